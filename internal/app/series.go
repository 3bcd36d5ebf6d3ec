package app

import (
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/observe"
	"autoscalebot/internal/slackbot"
)

// series are all label values that are known before anything happened, so that they
// begin at 0.
func series() observe.Series {
	s := observe.Series{
		Commands: slackbot.CommandNames(), CommandOutcomes: slackbot.CommandOutcomes(),
		SlackMethods: slackbot.Methods(), SlackResults: slackbot.Results(),
		BasetenOps: baseten.Ops(), BasetenResults: []string{"ok", "canceled"},
	}
	for _, code := range change.Refusals() {
		s.Refusals = append(s.Refusals, string(code))
	}
	for _, state := range change.States() {
		if state.Ended() {
			s.EndStates = append(s.EndStates, string(state))
		} else {
			s.OtherStates = append(s.OtherStates, string(state))
		}
	}
	for _, kind := range change.Outcomes() {
		s.Outcomes = append(s.Outcomes, string(kind))
	}
	for _, kind := range baseten.Kinds() {
		s.BasetenResults = append(s.BasetenResults, kind.String())
	}
	return s
}
