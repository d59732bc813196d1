package live

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/offloadhq/offload/infra"
)

const (
	typeAlarm     = "AWS::CloudWatch::Alarm"
	maxAlarmNames = 100 // of one DescribeAlarms
)

// readAlarms reads alarms of the stack, at most maxAlarmNames. Those that are gone are not in the answer.
func (r *reader) readAlarms(ctx context.Context, alarms []Resource) {
	names, ids := []string{}, map[string]string{}
	for _, a := range alarms {
		names = append(names, a.PhysicalID)
		ids[a.PhysicalID] = a.ID
	}
	for next := (*string)(nil); ; {
		page, err := r.CloudWatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: names, NextToken: next})
		if err != nil {
			r.note("Alarms", "cloudwatch:DescribeAlarms", err)
			return
		}
		for i := range page.MetricAlarms {
			a := alarm(&page.MetricAlarms[i])
			if a.ID = ids[a.Name]; a.ID == "" {
				continue
			}
			r.add(func(s *infra.Stack) { s.Alarms = append(s.Alarms, a) })
		}
		if next = page.NextToken; aws.ToString(next) == "" {
			return
		}
	}
}

// alarm reads one. Source of the defaults: CloudWatch API reference, PutMetricAlarm.
func alarm(m *types.MetricAlarm) infra.Alarm {
	a := infra.Alarm{
		Resource:          infra.Resource{Type: typeAlarm, Name: aws.ToString(m.AlarmName), ARN: aws.ToString(m.AlarmArn)},
		Namespace:         aws.ToString(m.Namespace),
		Metric:            aws.ToString(m.MetricName),
		Dimensions:        make(map[string]string, len(m.Dimensions)),
		Statistic:         cmp.Or(string(m.Statistic), aws.ToString(m.ExtendedStatistic)),
		Period:            time.Duration(aws.ToInt32(m.Period)) * time.Second,
		EvaluationPeriods: int(aws.ToInt32(m.EvaluationPeriods)),
		Threshold:         aws.ToFloat64(m.Threshold),
		Comparison:        string(m.ComparisonOperator),
		MissingData:       cmp.Or(aws.ToString(m.TreatMissingData), "missing"),
		Actions:           sorted(m.AlarmActions),
		ActionsEnabled:    aws.ToBool(m.ActionsEnabled),
	}
	a.DatapointsToAlarm = cmp.Or(int(aws.ToInt32(m.DatapointsToAlarm)), a.EvaluationPeriods)
	for _, d := range m.Dimensions {
		a.Dimensions[aws.ToString(d.Name)] = aws.ToString(d.Value)
	}
	for _, q := range m.Metrics {
		if q.Expression != nil {
			a.Expressions = append(a.Expressions, *q.Expression)
		}
	}
	return a
}

func sorted(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return out
}
