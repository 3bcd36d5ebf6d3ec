package basetensim

import (
	"fmt"
	"time"
)

// Promotion is the state of a promotion in progress.
type Promotion struct {
	Status  string `json:"status"`  // RELEASING, RAMPING_UP, RAMPING_DOWN, PAUSED …
	Percent int    `json:"percent"` // of the traffic that goes to the candidate
}

// Schedules are an environment's autoscaling schedules.
type Schedules struct {
	Timezone string // IANA name
	List     []Schedule
	// Active is the ID of the schedule that is in force; empty: none. The
	// simulation does not watch the clock: whoever sets it decides.
	Active string
}

// Schedule is one schedule: a one-time window if StartAt is set, else one from
// StartHour to EndHour on every weekday.
type Schedule struct {
	ID, Name           string
	Disabled           bool
	StartHour, EndHour int
	StartAt, EndAt     time.Time
	// Settings must hold min_replica and max_replica; what it lacks follows the
	// environment.
	Settings Changes
}

func (sc *Schedules) active() *Schedule {
	if sc == nil || sc.Active == "" {
		return nil
	}
	for i := range sc.List {
		if sc.List[i].ID == sc.Active {
			return &sc.List[i]
		}
	}
	return nil
}

// Promote makes a deployment serve an environment, at once. As at Baseten it
// gets the environment's settings, the traffic moves to it, and the one that
// served before is scaled to zero (promotion_cleanup_strategy SCALE_TO_ZERO).
func (s *Server) Promote(modelID, env, deploymentID string) error {
	return s.onEnvironment(modelID, env, func(e *environment) error {
		d, err := s.promotable(e, deploymentID)
		if err != nil {
			return err
		}
		s.promote(e, d)
		return nil
	})
}

// StartPromotion begins a promotion that stays in progress until it is finished
// or canceled. Both deployments keep their settings meanwhile.
func (s *Server) StartPromotion(modelID, env, deploymentID string) error {
	return s.onEnvironment(modelID, env, func(e *environment) error {
		d, err := s.promotable(e, deploymentID)
		if err != nil {
			return err
		}
		e.candidate, e.promotion = d, Promotion{Status: "RELEASING"}
		return nil
	})
}

// SetPromotion changes what a promotion in progress shows.
func (s *Server) SetPromotion(modelID, env string, p Promotion) error {
	return s.onCandidate(modelID, env, func(e *environment) { e.promotion = p })
}

// FinishPromotion completes a promotion in progress, as Promote does.
func (s *Server) FinishPromotion(modelID, env string) error {
	return s.onCandidate(modelID, env, func(e *environment) { s.promote(e, e.candidate) })
}

// CancelPromotion ends a promotion in progress and leaves things as they were.
func (s *Server) CancelPromotion(modelID, env string) error {
	return s.onCandidate(modelID, env, func(e *environment) { e.candidate = nil })
}

func (s *Server) onCandidate(modelID, env string, f func(*environment)) error {
	return s.onEnvironment(modelID, env, func(e *environment) error {
		if e.candidate == nil {
			return fmt.Errorf("basetensim: no promotion in progress in environment %s", env)
		}
		f(e)
		return nil
	})
}

func (s *Server) promotable(e *environment, deploymentID string) (*deployment, error) {
	d := e.model.deployment(deploymentID)
	switch {
	case d == nil:
		return nil, fmt.Errorf("basetensim: no deployment %s in model %s", deploymentID, e.model.id)
	case d.development:
		return nil, fmt.Errorf("basetensim: deployment %s is the development deployment", deploymentID)
	case d == e.current:
		return nil, fmt.Errorf("basetensim: deployment %s serves environment %s already", deploymentID, e.name)
	case e.candidate != nil:
		return nil, fmt.Errorf("basetensim: a promotion into environment %s is in progress", e.name)
	}
	return d, nil
}

// promote swaps the serving deployment. A deployment serves one environment at
// most, so it leaves the one it served.
func (s *Server) promote(e *environment, d *deployment) {
	if d.env != nil {
		d.env.current = nil
	}
	before := e.current
	e.current, e.candidate, d.env = d, nil, e
	s.push(e, d)
	if before != nil {
		before.env = nil
		d.inFlight, before.inFlight = d.inFlight+before.inFlight, 0
		if before.settings != nil {
			before.change(before.settings.with(Changes{"min_replica": 0}), s.opts.Now())
		}
		s.tend(before)
	}
	s.tend(d)
}

// SetSchedules replaces an environment's schedules; nil: the organization has
// not enabled them. The serving deployment gets what is then in force at once.
func (s *Server) SetSchedules(modelID, env string, sc *Schedules) error {
	return s.onEnvironment(modelID, env, func(e *environment) error {
		if sc != nil && sc.Active != "" && sc.active() == nil {
			return fmt.Errorf("basetensim: no schedule %s in the list", sc.Active)
		}
		e.schedules = sc
		s.push(e, e.current)
		return nil
	})
}

// push gives a deployment its environment's settings in force, if it still
// serves the environment. Settings that are null in the environment leave the
// deployment's alone: they cannot be cleared. One that has never deployed gets
// them when it has. Callers hold the lock.
func (s *Server) push(e *environment, d *deployment) {
	if d == nil || e.current != d || d.undeployed() {
		return
	}
	before := Settings{}
	if d.settings != nil {
		before = *d.settings
	}
	if after := before.with(e.inForce().values()); d.settings == nil || !after.equal(before) {
		d.change(after, s.opts.Now())
	}
	s.tend(d)
}
