package change

import (
	"errors"
	"time"

	"autoscalebot/internal/moment"
)

// resolveClock makes a moment of the time until which something is to hold, as it was
// typed: in the time zone that Slack has for the person, after they typed it.
func (s *Service) resolveClock(r *Request) *refusal {
	if r.Ask.Clock != "" {
		at, ok := moment.Parse(r.Ask.Clock)
		if !ok {
			return &refusal{state: Failed, why: Reason{Code: Broken}}
		}
		until, err := at.In(r.CreatedAt, zoneOf(r.Requester.Zone))
		var no *moment.Error
		switch {
		case errors.As(err, &no) && no.Skipped:
			return &refusal{state: Failed, why: Reason{Code: UntilSkipped, Text: r.Ask.Clock, Until: no.From, After: no.To.Sub(no.From)}}
		case err != nil:
			return &refusal{state: Failed, why: Reason{Code: UntilTooSoon, Text: r.Ask.Clock}}
		}
		r.Ask.Until, r.Ask.Clock = until, ""
	}
	left := r.Ask.Until.Sub(s.now())
	switch {
	case r.Ask.Until.IsZero():
		return nil
	case left < moment.Least:
		return &refusal{state: Failed, why: Reason{Code: UntilTooSoon, Until: r.Ask.Until}}
	case left > moment.Most:
		return &refusal{state: Failed, why: Reason{Code: UntilTooFar, Until: r.Ask.Until}}
	}
	return nil
}

// zoneOf is the time zone of that IANA name, UTC where it is not known.
func zoneOf(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}
