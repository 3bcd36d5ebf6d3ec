package baseten

import "encoding/json"

// Model is one model of the organisation. Its name is unique within a team only.
type Model struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Team string `json:"team_name"`
	// SharedName tells that another model has the same name, so that people need the
	// team too. The catalogue finds it; Baseten does not say it.
	SharedName bool `json:"-"`
	// ProductionDeploymentID and DevelopmentDeploymentID are "" where there is none.
	ProductionDeploymentID  string `json:"production_deployment_id"`
	DevelopmentDeploymentID string `json:"development_deployment_id"`
	Deployments             int    `json:"deployments_count"`
	InstanceType            string `json:"instance_type_name"`
}

// Team is one team of the organisation.
type Team struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Default bool   `json:"default"`
}

// Deployment is one build of a model. Its ID never changes, its name may.
type Deployment struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	ModelID     string `json:"model_id"`
	Production  bool   `json:"is_production"`
	Development bool   `json:"is_development"`
	// Status is Baseten's word, known or not: ACTIVE, SCALED_TO_ZERO.
	Status         string `json:"status"`
	ActiveReplicas int    `json:"active_replica_count"`
	// Settings is nil until the deployment has finished deploying, and where
	// Unreadable says why it could not be read.
	Settings   Settings `json:"-"`
	Unreadable string   `json:"-"`
	// InstanceType is a display name, "" if Baseten gives none. The API has no ID
	// of it here.
	InstanceType string `json:"instance_type_name"`
	// Environment is the environment that the deployment is in, "" if none.
	Environment string `json:"environment"`
}

// UnmarshalJSON reads a deployment. Settings that cannot be read spoil this one
// deployment, not the list that it stands in.
func (d *Deployment) UnmarshalJSON(data []byte) error {
	type plain Deployment
	wire := struct {
		*plain
		Settings json.RawMessage `json:"autoscaling_settings"`
	}{plain: (*plain)(d)}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	d.Settings, d.Unreadable = readSettings(wire.Settings)
	return nil
}

// Environment is a named slot of a model. Its settings are laid on every
// deployment that is promoted into it.
type Environment struct {
	Name    string `json:"name"`
	ModelID string `json:"model_id"`
	// Current is the deployment that serves, nil if none does.
	Current *Deployment `json:"current_deployment"`
	// Candidate is the deployment being promoted into the slot, nil if none is.
	Candidate *Deployment `json:"candidate_deployment"`
	// Promotion is nil when none is in progress.
	Promotion *Promotion `json:"in_progress_promotion"`
	// Settings is the baseline of the slot; what runs may differ while a schedule
	// is in force. Nil where Unreadable says why it could not be read.
	Settings     Settings     `json:"-"`
	Unreadable   string       `json:"-"`
	InstanceType InstanceType `json:"instance_type"`
	// Schedules is nil where the organisation has none (a beta of August 2026).
	Schedules *Schedules `json:"autoscaling_schedules"`
}

// UnmarshalJSON reads an environment, with the same patience as a deployment.
func (e *Environment) UnmarshalJSON(data []byte) error {
	type plain Environment
	wire := struct {
		*plain
		Settings json.RawMessage `json:"autoscaling_settings"`
	}{plain: (*plain)(e)}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	e.Settings, e.Unreadable = readSettings(wire.Settings)
	return nil
}

func readSettings(raw json.RawMessage) (Settings, string) {
	if raw == nil {
		return nil, ""
	}
	var s Settings
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, clean(err.Error())
	}
	return s, ""
}

// Promotion is the state of a promotion into an environment.
type Promotion struct {
	// Status is Baseten's word, known or not: RAMPING_UP.
	Status string `json:"status"`
	// Percent is the share of traffic on the new deployment, nil if not given.
	Percent *int `json:"percent_traffic_to_new_version"`
}

// Running reports whether the promotion still goes on. A word that this version
// does not know counts as running.
func (p *Promotion) Running() bool {
	if p == nil {
		return false
	}
	switch p.Status {
	case "SUCCEEDED", "FAILED", "CANCELED":
		return false
	}
	return true
}

// InstanceType is the machine that one replica runs on.
type InstanceType struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Schedules are the windows in which an environment runs other settings than its
// own.
type Schedules struct {
	// Timezone is an IANA name, "" where no schedule exists.
	Timezone  string     `json:"timezone"`
	Schedules []Schedule `json:"schedules"`
	// Applied is what the serving deployment runs now, nil if none serves.
	Applied *AppliedState `json:"applied_state"`
	// Unreadable is set when Baseten has schedules in a form that this version
	// cannot read: then nothing is known of them.
	Unreadable bool `json:"-"`
}

// UnmarshalJSON reads the schedules. Their form is a beta's: one that cannot be
// read must not hide the environment.
func (s *Schedules) UnmarshalJSON(data []byte) error {
	type plain Schedules
	var p plain
	if err := json.Unmarshal(data, &p); err != nil {
		p = plain{Unreadable: true}
	}
	*s = Schedules(p)
	return nil
}

// InForce returns the schedule whose settings run now. A schedule that is named as
// applied but not listed has only its ID.
func (s *Schedules) InForce() (Schedule, bool) {
	if s == nil || s.Applied == nil || s.Applied.ScheduleID == "" {
		return Schedule{}, false
	}
	for _, one := range s.Schedules {
		if one.ID == s.Applied.ScheduleID {
			return one, true
		}
	}
	return Schedule{ID: s.Applied.ScheduleID}, true
}

// AppliedState is what the serving deployment of an environment runs now.
type AppliedState struct {
	// ScheduleID is "" while the environment's own settings are in force.
	ScheduleID string   `json:"schedule_id"`
	Settings   Settings `json:"autoscaling_settings"`
}

// Schedule is one window. Recurring ones have hours and minutes in the schedules'
// timezone, a ONE_TIME one has StartAt and EndAt.
type Schedule struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	// Cadence is DAILY, HOURLY, ONE_TIME or a newer word.
	Cadence  string   `json:"cadence"`
	Weekdays []string `json:"weekdays"`
	// StartHour and EndHour are nil for an HOURLY schedule without bounds.
	StartHour   *int `json:"start_hour"`
	StartMinute int  `json:"start_minute"`
	EndHour     *int `json:"end_hour"`
	EndMinute   int  `json:"end_minute"`
	// StartAt is inclusive, EndAt exclusive; RFC 3339 as Baseten wrote it.
	StartAt string `json:"start_at"`
	EndAt   string `json:"end_at"`
	// Settings holds what the window overrides; the rest is the environment's.
	Settings Settings `json:"autoscaling_settings"`
}

// Price is the list price of one replica on an instance type.
type Price struct {
	InstanceType InstanceType `json:"instance_type"`
	// PerMinute is in USD.
	PerMinute float64 `json:"price"`
}

// User is whose key is used. Baseten calls this answer unstable: everything but
// the ID may be "".
type User struct {
	ID        string `json:"user_id"`
	Email     string `json:"email"`
	Name      string `json:"name"`
	Workspace string `json:"workspace_name"`
}

// Answer is what Baseten said to a PATCH that it took, unchanged. Both words may be
// empty: newer versions of the API stop sending them.
type Answer struct {
	// Status is ACCEPTED, QUEUED, UNCHANGED or a word that this version does not
	// know. Baseten defines none of them.
	Status     string
	Message    string
	HTTPStatus int
}

func (m Model) identity() string       { return m.ID }
func (t Team) identity() string        { return t.ID }
func (d Deployment) identity() string  { return d.ID }
func (e Environment) identity() string { return e.Name }
func (u User) identity() string        { return u.ID }

func (p Price) identity() string { return p.InstanceType.ID + p.InstanceType.Name }
