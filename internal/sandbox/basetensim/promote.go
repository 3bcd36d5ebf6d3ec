package basetensim

import (
	"fmt"
	"slices"
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
	// Active is the ID of the schedule that is in force; empty: none. Whoever sets it
	// decides, unless ByClock: then Server.Tick finds it by the clock.
	Active  string
	ByClock bool
}

// Schedule is one schedule: a one-time window if StartAt is set, else one from StartHour
// to EndHour on the weekdays.
type Schedule struct {
	ID, Name               string
	Disabled               bool
	StartHour, EndHour     int
	StartMinute, EndMinute int
	// Weekdays are those on which a window begins; none: Monday to Friday.
	Weekdays []time.Weekday
	// Hourly repeats the minutes from StartMinute to EndMinute in every hour of the
	// weekdays from StartHour to EndHour; both 0: all day.
	Hourly         bool
	StartAt, EndAt time.Time
	// Settings must hold min_replica and max_replica; what it lacks follows the
	// environment.
	Settings Changes
}

// Tick brings the schedules that go by the clock into force, or out of it, as Baseten
// does by itself. It is to be called as time passes.
func (s *Server) Tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	for _, m := range s.models {
		for _, e := range m.environments {
			if e.schedules == nil || !e.schedules.ByClock {
				continue
			}
			if due := e.schedules.due(now); due != e.schedules.Active {
				e.schedules.Active = due
				s.push(e, e.current, System)
				s.touch()
			}
		}
	}
}

// due is the ID of the first schedule whose window is open.
func (sc *Schedules) due(now time.Time) string {
	zone, err := time.LoadLocation(sc.Timezone)
	if err != nil {
		zone = time.UTC
	}
	for _, one := range sc.List {
		if !one.Disabled && one.open(now.In(zone)) {
			return one.ID
		}
	}
	return ""
}

func (sc Schedule) open(now time.Time) bool {
	if !sc.StartAt.IsZero() {
		return !now.Before(sc.StartAt) && now.Before(sc.EndAt)
	}
	minute := now.Hour()*60 + now.Minute()
	start, end := sc.StartHour*60+sc.StartMinute, sc.EndHour*60+sc.EndMinute
	day := now.Weekday()
	switch {
	case sc.Hourly:
		within := sc.StartHour == sc.EndHour || now.Hour() >= sc.StartHour && now.Hour() <= sc.EndHour
		return within && now.Minute() >= sc.StartMinute && now.Minute() < sc.EndMinute && sc.on(day)
	case start < end:
		return minute >= start && minute < end && sc.on(day)
	default: // over midnight
		return minute >= start && sc.on(day) || minute < end && sc.on((day+6)%7)
	}
}

func (sc Schedule) on(day time.Weekday) bool {
	if len(sc.Weekdays) == 0 {
		return day != time.Saturday && day != time.Sunday
	}
	return slices.Contains(sc.Weekdays, day)
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
	s.push(e, d, Colleague)
	if before != nil {
		before.env = nil
		d.inFlight, before.inFlight = d.inFlight+before.inFlight, 0
		if before.settings != nil {
			s.changeDeployment(before, before.settings.with(Changes{"min_replica": 0}), System)
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
		e.schedules = nil
		if sc != nil {
			own := *sc // Tick writes to it.
			e.schedules = &own
		}
		s.push(e, e.current, System)
		return nil
	})
}

// push gives a deployment its environment's settings in force, if it still
// serves the environment. Settings that are null in the environment leave the
// deployment's alone: they cannot be cleared. One that has never deployed gets
// them when it has. Callers hold the lock.
func (s *Server) push(e *environment, d *deployment, by Actor) {
	if d == nil || e.current != d || d.undeployed() {
		return
	}
	before := Settings{}
	if d.settings != nil {
		before = *d.settings
	}
	if after := before.with(e.inForce().Values()); d.settings == nil || !after.Equal(before) {
		s.changeDeployment(d, after, by)
	}
	s.tend(d)
}
