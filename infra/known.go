package infra

// What a rule derives from all of a stack is known only when each part of it was read.

// deadLetters says whether a queue is a dead-letter queue. When no part that was read says so, it is known only if each redrive policy
// and each destination was read; those that were not are reported.
func (r *run) deadLetters(q *Queue) (is, known bool) {
	if r.IsDeadLetterQueue(q) {
		return true, true
	}
	return false, r.known(r.destinationPaths()...)
}

// workQueues gives the queues that hold tasks, as far as it is known.
func (r *run) workQueues() []*Queue {
	var out []*Queue
	for i := range r.Queues {
		if letters, known := r.deadLetters(&r.Queues[i]); known && !letters {
			out = append(out, &r.Queues[i])
		}
	}
	return out
}

// paths gives fields of each resource of a list, after the list itself.
func paths[T interface{ base() Resource }](list string, items []T, fields ...string) []string {
	out := []string{list}
	for _, item := range items {
		for _, field := range fields {
			out = append(out, list+"."+item.base().ID+"."+field)
		}
	}
	return out
}

// destinationPaths is all that may end in a dead-letter queue.
func (s *Stack) destinationPaths() []string {
	return append(paths("Queues", s.Queues, "DeadLetterARN"), paths("Functions", s.Functions, "Async", "DeadLetterARN")...)
}

// mappingPaths is what the mappings join.
func (s *Stack) mappingPaths() []string {
	return paths("Mappings", s.Mappings, "QueueARN", "FunctionARN")
}

// policyPaths is what managed policies of the stack allow.
func (s *Stack) policyPaths() []string { return paths("Policies", s.Policies, "Statements") }

// needsKnown says whether what needs are derived from was read, and to whom the managed policies belong.
func (r *run) needsKnown() bool {
	all := append(r.destinationPaths(), r.mappingPaths()...)
	all = append(all, r.policyPaths()...)
	all = append(all, paths("Queues", r.Queues, "KMSKeyID")...)
	all = append(all, paths("Functions", r.Functions, "RoleARN", "LogGroup")...)
	all = append(all, paths("Roles", r.Roles, "ManagedPolicies")...)
	all = append(all, paths("Buckets", r.Buckets, "KMSKeyID")...)
	return r.known(append(all, "LogGroups", "Outputs")...)
}
