package livetest

import (
	"slices"

	"github.com/offloadhq/offload/infra"
)

func newAlarm(a *infra.Alarm) object {
	dimensions, actions := []any{}, []any{}
	for name, value := range a.Dimensions {
		dimensions = append(dimensions, object{"Name": name, "Value": value})
	}
	for _, arn := range a.Actions {
		actions = append(actions, arn)
	}
	return object{
		"AlarmName": a.Name, "AlarmArn": a.ARN, "Namespace": a.Namespace, "MetricName": a.Metric, "Dimensions": dimensions, "Statistic": a.Statistic,
		"Period": int(a.Period.Seconds()), "EvaluationPeriods": a.EvaluationPeriods, "Threshold": a.Threshold, "ComparisonOperator": a.Comparison,
		"TreatMissingData": a.MissingData, "AlarmActions": actions, "ActionsEnabled": a.ActionsEnabled,
	}
}

func named(a, in object) bool {
	names, _ := in["AlarmNames"].([]any)
	return slices.Contains(names, a["AlarmName"])
}

func enable(on bool) operation {
	return func(a *account, in object) (object, *failure) {
		for _, alarm := range a.alarms {
			if named(alarm, in) {
				alarm["ActionsEnabled"] = on
			}
		}
		return object{}, nil
	}
}

var alarmOperations = map[string]operation{
	"DescribeAlarms": func(a *account, in object) (object, *failure) {
		list := []any{}
		for _, alarm := range a.alarms {
			if named(alarm, in) {
				list = append(list, alarm)
			}
		}
		return paged(list, in["NextToken"], "MetricAlarms", "NextToken"), nil
	},
	"DeleteAlarms": func(a *account, in object) (object, *failure) {
		a.alarms = slices.DeleteFunc(a.alarms, func(alarm object) bool { return named(alarm, in) })
		return object{}, nil
	},
	"PutMetricAlarm": func(a *account, in object) (object, *failure) {
		in["AlarmArn"] = "arn:aws:cloudwatch:" + a.stack.Region + ":" + a.stack.Account + ":alarm:" + str(in["AlarmName"])
		if in["ActionsEnabled"] == nil {
			in["ActionsEnabled"] = true
		}
		a.alarms = append(a.alarms, in)
		return object{}, nil
	},
	"EnableAlarmActions":  enable(true),
	"DisableAlarmActions": enable(false),
}

var logOperations = map[string]operation{
	"DescribeLogGroups": func(a *account, in object) (object, *failure) {
		list := []any{}
		prefix := str(in["logGroupNamePrefix"])
		for _, name := range []string{prefix, prefix + "-other"} { // a longer name comes too
			days, ok := a.logGroups[name]
			if !ok && name == prefix {
				continue
			}
			group := object{"logGroupName": name, "arn": "arn:aws:logs:" + a.stack.Region + ":" + a.stack.Account + ":log-group:" + name + ":*"}
			if days > 0 {
				group["retentionInDays"] = days
			}
			list = append(list, group)
		}
		slices.Reverse(list)
		return object{"logGroups": list}, nil
	},
	"PutRetentionPolicy": func(a *account, in object) (object, *failure) {
		days, _ := in["retentionInDays"].(float64)
		a.logGroups[str(in["logGroupName"])] = int(days)
		return object{}, nil
	},
	"DeleteRetentionPolicy": func(a *account, in object) (object, *failure) {
		a.logGroups[str(in["logGroupName"])] = 0
		return object{}, nil
	},
}
