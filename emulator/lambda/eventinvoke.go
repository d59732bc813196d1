package lambda

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// eventInvokeConfig is the type FunctionEventInvokeConfig of the AWS Lambda API Reference.
type eventInvokeConfig struct {
	FunctionArn              string
	LastModified             int64 // Unix seconds
	MaximumRetryAttempts     int
	MaximumEventAgeInSeconds int
	DestinationConfig        destinationConfig
}

type destinationConfig struct{ OnSuccess, OnFailure destination }

type destination struct {
	Destination string `json:",omitempty"`
}

func (fn *function) eventInvokeConfig(qualifier string) eventInvokeConfig {
	c := fn.Async[qualifier]
	return eventInvokeConfig{
		FunctionArn: fn.arn + ":" + qualifier, LastModified: fn.added.Unix(),
		MaximumRetryAttempts: *c.MaxRetries, MaximumEventAgeInSeconds: int(c.MaxAge / time.Second),
		DestinationConfig: destinationConfig{OnFailure: destination{c.OnFailure}},
	}
}

// getFunctionEventInvokeConfig finds the one of the very qualifier: that of an alias is not the function's.
func (s *Service) getFunctionEventInvokeConfig(r *http.Request) (any, error) {
	t, err := s.named(r)
	if err != nil {
		return nil, err
	}
	qualifier := t.qualifier
	if qualifier == "" {
		qualifier = Latest
	}
	if _, ok := t.fn.Async[qualifier]; !ok {
		return nil, errNotFound("The function %s:%s doesn't have an EventInvokeConfig", t.fn.arn, qualifier)
	}
	return t.fn.eventInvokeConfig(qualifier), nil
}

func (s *Service) listFunctionEventInvokeConfigs(r *http.Request) (any, error) {
	t, err := s.named(r)
	if err != nil {
		return nil, err
	}
	configs := []eventInvokeConfig{}
	for _, qualifier := range slices.Sorted(maps.Keys(t.fn.Async)) {
		configs = append(configs, t.fn.eventInvokeConfig(qualifier))
	}
	part, next, err := page(r, configs, 50)
	return struct {
		FunctionEventInvokeConfigs []eventInvokeConfig
		NextMarker                 string `json:",omitempty"`
	}{part, next}, err
}
