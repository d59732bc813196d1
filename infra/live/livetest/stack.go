package livetest

import (
	"net/http"

	"github.com/offloadhq/offload/infra"
)

var stackOperations = map[string]operation{
	"DescribeStacks": func(a *account, in object) (object, *failure) {
		if in["StackName"] != a.stack.Name {
			return nil, &failure{http.StatusBadRequest, "ValidationError", "Stack with id " + str(in["StackName"]) + " does not exist"}
		}
		parameters, outputs := []any{}, []any{}
		for key, value := range a.parameters {
			parameters = append(parameters, object{"ParameterKey": key, "ParameterValue": value})
		}
		for key, value := range a.stack.Outputs {
			outputs = append(outputs, object{"OutputKey": key, "OutputValue": value})
		}
		return object{"Stacks": []any{object{
			"StackName": a.stack.Name, "StackStatus": "UPDATE_COMPLETE", "CreationTime": "2026-01-01T00:00:00Z",
			"StackId":    "arn:aws:cloudformation:" + a.stack.Region + ":" + a.stack.Account + ":stack/" + a.stack.Name + "/1",
			"Parameters": parameters, "Outputs": outputs,
		}}}, nil
	},
	"ListStackResources": func(a *account, in object) (object, *failure) {
		list := []any{}
		for _, r := range a.stack.Resources() {
			list = append(list, object{
				"LogicalResourceId": r.ID, "PhysicalResourceId": a.physicalID(&r), "ResourceType": r.Type,
				"ResourceStatus": "CREATE_COMPLETE", "LastUpdatedTimestamp": "2026-01-01T00:00:00Z",
			})
		}
		return paged(list, in["NextToken"], "StackResourceSummaries", "NextToken"), nil
	},
	"UpdateStack": func(a *account, in object) (object, *failure) {
		a.template = str(in["TemplateBody"])
		return object{}, nil
	},
	"GetTemplate": func(a *account, in object) (object, *failure) {
		if in["TemplateStage"] == "Processed" && a.processed != "" {
			return object{"TemplateBody": a.processed}, nil
		}
		return object{"TemplateBody": a.template}, nil
	},
}

// physicalID is what Ref gives.
func (a *account) physicalID(r *infra.Resource) string {
	switch r.Type {
	case "AWS::SQS::Queue":
		return queueURL(a, r.Name)
	case "AWS::IAM::ManagedPolicy", "AWS::SNS::Topic":
		return r.ARN
	}
	if r.Name == "" {
		return "physical-" + r.ID
	}
	return r.Name
}
