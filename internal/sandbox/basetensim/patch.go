package basetensim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
)

// Status words of UpdateAutoscalingSettingsStatusV1. No public text defines
// them; here ACCEPTED is taken, QUEUED is taken and waits until the deployment
// has finished what it is doing, UNCHANGED is what was in force already.
const (
	Accepted  = "ACCEPTED"
	Queued    = "QUEUED"
	Unchanged = "UNCHANGED"
)

// messages go with the status words.
func message(status string) string {
	switch status {
	case Accepted:
		return "Autoscaling settings update was accepted."
	case Queued:
		return "Autoscaling settings update was queued and will be applied when the deployment is ready."
	default:
		return "Autoscaling settings are unchanged."
	}
}

// patchDeployment changes one deployment's settings and nobody else's: whether
// the real API writes through to the environment is unpublished, and a client
// that relied on it would lose the change at the next promotion.
func (s *Server) patchDeployment(req *request) answer {
	d, refused := s.deploymentOf(req)
	if d == nil {
		return refused
	}
	raw, refusal := parseObject(req)
	if refusal != nil {
		return *refusal
	}
	c, problem := parseChanges(raw)
	if problem != "" {
		return invalid(problem)
	}
	before := DefaultSettings()
	if d.settings != nil {
		before = *d.settings
	}
	if d.development && (has(c, "min_replica") || has(c, "max_replica")) {
		return invalid("min_replica and max_replica of a development deployment cannot be changed.")
	}
	if problem := c.check(before, s.opts.ReplicaLimit); problem != "" {
		return invalid(problem)
	}

	if d.settings == nil && !d.busy() {
		return invalid("The deployment has not finished deploying.")
	}

	by := s.caller(req)
	apply := func() {
		now := DefaultSettings()
		if d.settings != nil {
			now = *d.settings
		}
		s.changeDeployment(d, now.with(c), by)
		s.tend(d)
	}
	status := Accepted
	switch {
	case len(c) == 0, d.settings != nil && len(d.queued) == 0 && before.with(c).Equal(before):
		status = Unchanged
	case d.busy():
		status = Queued
		d.queued = append(d.queued, apply)
	default:
		s.commit(req, apply)
	}
	s.touch()
	return ok(patchAnswer{Status: status, Message: message(status)})
}

// patchEnvironment changes the environment's baseline at once and the serving
// deployment's settings after SettleAfter ("Asynchronously updates …", says the
// spec). The whole baseline is given to the deployment, so that what somebody
// changed on the deployment alone is undone.
func (s *Server) patchEnvironment(req *request) answer {
	e, refused := s.environmentOf(req)
	if e == nil {
		return refused
	}
	c, refusal := parseEnvironmentPatch(req)
	if refusal != nil {
		return *refusal
	}
	if problem := c.check(e.settings, s.opts.ReplicaLimit); problem != "" {
		return invalid(problem)
	}

	d, by := e.current, s.caller(req)
	status := Accepted
	switch {
	case len(c) == 0, e.settled() && e.settings.with(c).Equal(e.settings):
		status = Unchanged
	case d != nil && d.busy():
		status = Queued
		s.changeEnvironment(e, e.settings.with(c), by)
		d.queued = append(d.queued, func() { s.push(e, d, by) })
	default:
		s.commit(req, func() {
			s.changeEnvironment(e, e.settings.with(c), by)
			s.settle(e, by)
		})
	}
	s.touch()
	return ok(patchAnswer{Environment: new(s.view(req).environment(e)), Status: status, Message: message(status)})
}

// settled reports whether the serving deployment has what the environment wants
// of it.
func (e *environment) settled() bool {
	d := e.current
	return d == nil || d.settings == nil || d.settings.with(e.inForce().Values()).Equal(*d.settings)
}

// settle brings the environment's settings to the deployment that serves it
// now, unless another serves it by then: that one got them when it was promoted.
func (s *Server) settle(e *environment, by Actor) {
	d := e.current
	s.later(s.opts.SettleAfter, func() { s.push(e, d, by) })
}

// commit carries out a change, now or when the fault that slows it lets it.
func (s *Server) commit(req *request, apply func()) {
	switch {
	case req.slow == nil:
		apply()
	case req.slow.fault.Delay > 0:
		s.later(req.slow.fault.Delay, apply)
	default:
		req.slow.putOff(apply)
	}
}

func has(c Changes, name string) bool {
	_, ok := c[name]
	return ok
}

// parseObject reads a body that must be one JSON object, declared as such.
func parseObject(req *request) (map[string]json.RawMessage, *answer) {
	mediaType, _, err := mime.ParseMediaType(req.header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return nil, new(apiError(http.StatusUnsupportedMediaType, "error", "Content-Type must be application/json"))
	}
	var raw map[string]json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(req.body))
	if err := dec.Decode(&raw); err != nil || raw == nil || dec.More() {
		return nil, new(invalid("The request body must be a JSON object."))
	}
	return raw, nil
}

// parseEnvironmentPatch reads UpdateEnvironmentRequestV1. Its other three parts
// are not simulated, and a part that is not simulated is refused rather than
// ignored.
func parseEnvironmentPatch(req *request) (Changes, *answer) {
	raw, refusal := parseObject(req)
	if refusal != nil {
		return nil, refusal
	}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		switch name {
		case "autoscaling_settings":
		case "promotion_settings", "autoscaling_schedule_settings", "request_backpressure_settings":
			if string(raw[name]) != "null" {
				return nil, new(apiError(http.StatusNotImplemented, "error", name+" is not simulated"))
			}
		default:
			return nil, new(invalid(extraForbidden("UpdateEnvironmentRequestV1", name, raw[name])))
		}
	}
	settings, ok := raw["autoscaling_settings"]
	if !ok || string(settings) == "null" {
		return nil, nil
	}
	var inner map[string]json.RawMessage
	if err := json.Unmarshal(settings, &inner); err != nil || inner == nil {
		return nil, new(invalid(fmt.Sprintf("1 validation error for UpdateEnvironmentRequestV1\nautoscaling_settings\n  Input should be an object [type=model_type, input_value=%s]", settings)))
	}
	c, problem := parseChanges(inner)
	if problem != "" {
		return nil, new(invalid(problem))
	}
	return c, nil
}
