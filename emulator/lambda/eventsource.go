package lambda

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// EventSourceMapping is what the API tells of an event source mapping. Whoever runs the mapping makes it known with
// [Service.AddEventSourceMapping]; the service itself polls nothing.
type EventSourceMapping struct {
	Function                string // a function that was added before
	Qualifier               string // alias or version; "" for none
	EventSourceARN          string
	BatchSize               int
	Window                  time.Duration // MaximumBatchingWindowInSeconds
	MaximumConcurrency      int           // 0: none is set
	ReportBatchItemFailures bool
	Disabled                bool

	uuid, functionARN string
	added             time.Time
}

// AddEventSourceMapping makes a mapping known and returns its UUID. An error means that its function is not there, or
// does not have the qualifier.
func (s *Service) AddEventSourceMapping(m EventSourceMapping) (uuid string, err error) {
	t, err := s.find(Request{Function: m.Function, Qualifier: m.Qualifier})
	if err != nil {
		return "", fmt.Errorf("lambda: event source mapping of %q: %w", m.EventSourceARN, err)
	}
	m.uuid, m.functionARN, m.added = newID(), t.arn(), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mappings = append(s.mappings, m)
	return m.uuid, nil
}

// mappingConfiguration is the type EventSourceMappingConfiguration of the AWS Lambda API Reference, for a queue.
type mappingConfiguration struct {
	UUID, EventSourceMappingArn, EventSourceArn, FunctionArn string
	State, StateTransitionReason                             string
	LastModified                                             int64 // Unix seconds
	BatchSize, MaximumBatchingWindowInSeconds                int
	FunctionResponseTypes                                    []string
	ScalingConfig                                            *scalingConfig `json:",omitempty"`
}

type scalingConfig struct{ MaximumConcurrency int }

func (s *Service) mappingConfiguration(m *EventSourceMapping) mappingConfiguration {
	c := mappingConfiguration{
		UUID: m.uuid, EventSourceMappingArn: "arn:aws:lambda:" + s.o.Region + ":" + s.o.AccountID + ":event-source-mapping:" + m.uuid,
		EventSourceArn: m.EventSourceARN, FunctionArn: m.functionARN,
		State: "Enabled", StateTransitionReason: "USER_INITIATED", LastModified: m.added.Unix(),
		BatchSize: m.BatchSize, MaximumBatchingWindowInSeconds: int(m.Window / time.Second), FunctionResponseTypes: []string{},
	}
	if m.Disabled {
		c.State = "Disabled"
	}
	if m.ReportBatchItemFailures {
		c.FunctionResponseTypes = append(c.FunctionResponseTypes, "ReportBatchItemFailures")
	}
	if m.MaximumConcurrency > 0 {
		c.ScalingConfig = &scalingConfig{m.MaximumConcurrency}
	}
	return c
}

func (s *Service) listMappings() []EventSourceMapping {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mappings)
}

func (s *Service) getEventSourceMapping(r *http.Request) (any, error) {
	for _, m := range s.listMappings() {
		if m.uuid == r.PathValue("uuid") {
			return s.mappingConfiguration(&m), nil
		}
	}
	return nil, errNotFound("The resource you requested does not exist.")
}

// listEventSourceMappings lists those of an event source, of a function, or all. The mapping of an alias is listed under
// the function's name with that alias.
func (s *Service) listEventSourceMappings(r *http.Request) (any, error) {
	source, function := r.URL.Query().Get("EventSourceArn"), r.URL.Query().Get("FunctionName")
	functionARN := ""
	if function != "" {
		t, err := s.find(Request{Function: function})
		if err != nil {
			return nil, err
		}
		functionARN = t.arn()
	}
	mappings := []mappingConfiguration{}
	for _, m := range s.listMappings() {
		if (source == "" || source == m.EventSourceARN) && (function == "" || functionARN == m.functionARN) {
			mappings = append(mappings, s.mappingConfiguration(&m))
		}
	}
	part, next, err := page(r, mappings, 100)
	return struct {
		EventSourceMappings []mappingConfiguration
		NextMarker          string `json:",omitempty"`
	}{part, next}, err
}
