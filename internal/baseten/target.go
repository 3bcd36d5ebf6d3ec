package baseten

// Target is what a change writes, resolved: the IDs decide, the names are as they
// were read and are shown. It is one form for all: the policy judges it, the request
// keeps it, the messages show it.
type Target struct {
	ModelID string `json:"model_id"`
	Model   string `json:"model"`
	Team    string `json:"team,omitempty"`
	// SharedName tells that another model has the same name: it is shown with its team.
	SharedName bool `json:"shared_name,omitempty"`
	// Environment is set where the environment's settings are written. Then
	// DeploymentID names the deployment that serves it, "" if none does.
	Environment  string `json:"environment,omitempty"`
	DeploymentID string `json:"deployment_id,omitempty"`
	Deployment   string `json:"deployment,omitempty"`
	// Serves is the environment that the deployment serves, "" if none. Of an
	// environment that a deployment serves it is that environment.
	Serves string `json:"serves,omitempty"`
	// Promoting holds other environments that the deployment is on its way into.
	Promoting []string `json:"promoting,omitempty"`
	// Development marks the development deployment, whose replicas are fixed.
	Development bool `json:"development,omitempty"`
}

// Kind is TargetEnvironment or TargetDeployment: which object is written.
func (t Target) Kind() string {
	if t.Environment != "" {
		return TargetEnvironment
	}
	return TargetDeployment
}

// Name is the environment's or the deployment's name, as people say it.
func (t Target) Name() string {
	if t.Environment != "" {
		return t.Environment
	}
	return t.Deployment
}

// SameObject reports whether both write the same environment or deployment.
func (t Target) SameObject(o Target) bool {
	return t.ModelID == o.ModelID && t.Environment == o.Environment &&
		(t.Environment != "" || t.DeploymentID == o.DeploymentID)
}

// Overlaps reports whether changes of both could overwrite each other: an
// environment and the deployment that serves it are one target.
func (t Target) Overlaps(o Target) bool {
	if t.ModelID != o.ModelID {
		return false
	}
	slot := t.Slot()
	return slot != "" && slot == o.Slot() || t.DeploymentID != "" && t.DeploymentID == o.DeploymentID
}

// Slot is the environment that is written or served, "" if none.
func (t Target) Slot() string {
	if t.Environment != "" {
		return t.Environment
	}
	return t.Serves
}

// Cost is the list price in USD per hour of the replicas that always run (floor)
// and of those that may run (ceiling), before and after a change.
type Cost struct {
	FloorBefore   float64 `json:"floor_before"`
	FloorAfter    float64 `json:"floor_after"`
	CeilingBefore float64 `json:"ceiling_before"`
	CeilingAfter  float64 `json:"ceiling_after"`
}

// Target is what was found, in the one form that is kept.
func (r Resolved) Target() Target {
	t := Target{
		ModelID: r.ModelID, Model: r.Model.Name, Team: r.Model.Team, SharedName: r.Model.SharedName,
		Serves: r.Serves, Promoting: r.Promoting, Development: r.Development,
	}
	if r.Environment != nil {
		t.Environment = r.Environment.Name
	}
	if r.Deployment != nil {
		t.DeploymentID, t.Deployment = r.Deployment.ID, r.Deployment.Name
	}
	return t
}

// As returns what is needed to read exactly that object again, see Reread.
func (t Target) As() Resolved {
	r := Resolved{
		ModelID: t.ModelID, Model: Model{ID: t.ModelID, Name: t.Model, Team: t.Team, SharedName: t.SharedName},
		Serves: t.Serves, Promoting: t.Promoting, Development: t.Development,
	}
	if t.Environment != "" {
		r.Environment = &Environment{Name: t.Environment}
	}
	if t.DeploymentID != "" {
		r.Deployment = &Deployment{ID: t.DeploymentID, Name: t.Deployment, Environment: t.Serves}
	}
	return r
}
