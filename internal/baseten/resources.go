package baseten

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
	// Unreadable says why Baseten's data for the model cannot be read, else "". Then it
	// has what could be read of its ID and name, and nothing else.
	Unreadable string `json:"-"`
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
	// Broken tells that not only the settings cannot be read: then it has what could
	// be read of its ID and name, and nothing else.
	Broken bool `json:"-"`
	// InstanceType is a display name, "" if Baseten gives none. The API has no ID
	// of it here.
	InstanceType string `json:"instance_type_name"`
	// Environment is the environment that the deployment is in, "" if none.
	Environment string `json:"environment"`
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
	Settings   Settings `json:"-"`
	Unreadable string   `json:"-"`
	// Broken tells that not only the settings cannot be read, see Deployment.
	Broken       bool         `json:"-"`
	InstanceType InstanceType `json:"instance_type"`
	// Schedules is nil where the organisation has none (a beta of August 2026).
	Schedules *Schedules `json:"autoscaling_schedules"`
}

// Promotion is the state of a promotion into an environment.
type Promotion struct {
	// Status is Baseten's word, known or not: RAMPING_UP.
	Status string `json:"status"`
	// Percent is the share of traffic on the new deployment, nil if not given.
	Percent *float64 `json:"percent_traffic_to_new_version"`
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
