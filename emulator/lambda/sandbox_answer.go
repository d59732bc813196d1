package lambda

// finish ends an invocation: the report is written, the caller answered.
func (s *sandbox) finish(inv *invocation, tail []byte) {
	s.current, s.todo = nil, nil
	r := InvocationReport{
		Function: s.fn.Name, Version: s.version, RequestID: inv.id, Kind: inv.kind,
		Outcome: inv.result.outcome, ErrorType: inv.result.errorType,
		Start: inv.given, Duration: inv.ended.Sub(inv.given), Init: s.initial,
		MemoryMB: s.fn.MemoryMB, MaxMemoryMB: s.most,
	}
	if s.proc != nil {
		r.PID = s.proc.pid
	}
	s.initial = 0
	r.Billed = billed(r.Duration + r.Init)
	s.fn.svc.o.OnInvocation(r)
	s.answer(inv, tail, &r)
	s.fn.svc.ended()
}

// tell answers the caller before the process is ready again.
func (s *sandbox) tell(inv *invocation, tail []byte) {
	if inv == nil || inv.result == nil {
		return
	}
	r := InvocationReport{
		RequestID: inv.id, Duration: inv.ended.Sub(inv.given), Init: s.initial, MemoryMB: s.fn.MemoryMB, MaxMemoryMB: s.most,
	}
	r.Billed = billed(r.Duration + r.Init)
	s.answer(inv, tail, &r)
}

func (s *sandbox) answer(inv *invocation, tail []byte, r *InvocationReport) {
	if inv.told {
		return
	}
	inv.told = true
	response := Response{
		Payload: inv.result.payload, FunctionError: inv.result.functionError(),
		ExecutedVersion: s.version, RequestID: inv.id,
	}
	if inv.wantTail {
		response.LogTail = logTail(inv.id, s.version, tail, r)
	}
	inv.done <- answer{response: response}
}

// fail answers the caller with an error of the service.
func (inv *invocation) fail(err error) {
	if !inv.told {
		inv.told = true
		inv.done <- answer{err: err}
	}
}

// logTail is the last 4 KB of what Lambda would have logged for the request.
func logTail(id, version string, lines []byte, r *InvocationReport) []byte {
	all := append([]byte("START RequestId: "+id+" Version: "+version+"\n"), lines...)
	all = append(all, r.text()...)
	return all[max(0, len(all)-maxTail):]
}
