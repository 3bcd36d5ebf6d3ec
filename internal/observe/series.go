package observe

// Series are the label values that are known before anything happened. A series that
// appears only with its first event begins at 1, and rate and increase, which need two
// values, do not see that event: an alarm on it would be silent the first time.
type Series struct {
	// Commands and CommandOutcomes are multiplied: each command with each outcome.
	Commands, CommandOutcomes []string
	Refusals                  []string
	EndStates, OtherStates    []string
	Outcomes                  []string
	SlackMethods              []string
	SlackResults              []string
	BasetenOps                []string
	BasetenResults            []string
}

// Expect begins each of the series at 0.
func (m *Metrics) Expect(s Series) {
	for _, command := range s.Commands {
		for _, outcome := range s.CommandOutcomes {
			m.commands.WithLabelValues(command, outcome)
		}
	}
	for _, reason := range s.Refusals {
		m.refusals.WithLabelValues(reason)
	}
	for _, state := range s.EndStates {
		m.requestsEnded.WithLabelValues(state)
	}
	for _, state := range s.OtherStates {
		m.Requests(state, 0, 0)
	}
	for _, outcome := range s.Outcomes {
		m.outcomes.WithLabelValues(outcome)
	}
	for _, method := range s.SlackMethods {
		m.slackSeconds.WithLabelValues(method)
		m.postRetries.WithLabelValues(method)
		for _, result := range s.SlackResults {
			m.slackCalls.WithLabelValues(method, result)
		}
	}
	for _, op := range s.BasetenOps {
		m.basetenSeconds.WithLabelValues(op)
		for _, result := range s.BasetenResults {
			m.basetenCalls.WithLabelValues(op, result)
		}
	}
}
