package basetensim

import (
	"fmt"
	"slices"
)

// ModelSpec describes a model to add.
type ModelSpec struct {
	ID           string // empty: made up
	Name         string // unique within its team
	Team         string // a team's name; empty: the default team
	InstanceType string // an instance type's ID; empty: DefaultInstanceType
}

// DeploymentSpec describes a deployment to add.
type DeploymentSpec struct {
	ID          string // empty: made up
	Name        string // unique within its model
	Development bool   // the model's one development deployment: 0 to 1 replicas, fixed
	// Settings nil means DefaultSettings, or null while Status says that it has
	// not finished deploying.
	Settings     *Settings
	Status       string // as for SetStatus; empty: running
	InFlight     int    // as for SetLoad
	InstanceType string // empty: the model's
}

// EnvironmentSpec describes an environment to add, or production to set up.
type EnvironmentSpec struct {
	Name string
	// Deployment is the ID of the deployment that serves it; empty: none.
	Deployment string
	// Settings nil means the serving deployment's, or DefaultSettings. They may
	// differ from the deployment's, as they may in the real world.
	Settings *Settings
}

// The methods of this file build a world. What could not exist at Baseten
// (a name twice, an unknown ID) is a mistake in the program that builds it:
// they panic.

// AddTeam adds a team and returns its ID.
func (s *Server) AddTeam(name string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.teamByName(name) == nil, "team %s exists", name)
	t := &team{id: s.newID(), name: name, created: s.opts.Now()}
	s.teams = append(s.teams, t)
	s.touch()
	return t.id
}

// AddInstanceType adds an instance type, or replaces the one of that ID.
func (s *Server) AddInstanceType(t InstanceType) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instanceTypes = slices.DeleteFunc(s.instanceTypes, func(o InstanceType) bool { return o.ID == t.ID })
	s.instanceTypes = append(s.instanceTypes, t)
	s.touch()
}

// AddModel adds a model with an empty production environment, and returns its
// ID.
func (s *Server) AddModel(spec ModelSpec) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if spec.ID == "" {
		spec.ID = s.newID()
	}
	if spec.InstanceType == "" {
		spec.InstanceType = DefaultInstanceType
	}
	t := s.teams[0]
	if spec.Team != "" {
		t = s.teamByName(spec.Team)
		must(t != nil, "no team %s", spec.Team)
	}
	must(s.modelByID[spec.ID] == nil, "model ID %s exists", spec.ID)
	must(!slices.ContainsFunc(s.models, func(m *model) bool { return m.team == t && m.name == spec.Name }), "model %s exists in its team", spec.Name)
	must(s.hasInstanceType(spec.InstanceType), "no instance type %s", spec.InstanceType)
	m := &model{id: spec.ID, name: spec.Name, team: t, created: s.opts.Now(), instanceType: spec.InstanceType}
	m.environments = []*environment{{name: production, model: m, created: s.opts.Now(), settings: DefaultSettings()}}
	s.models = append(s.models, m)
	s.modelByID[m.id] = m
	s.touch()
	return m.id
}

// AddDeployment adds a deployment, with the replicas that its load asks for
// already up, and returns its ID.
func (s *Server) AddDeployment(modelID string, spec DeploymentSpec) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.modelByID[modelID]
	must(m != nil, "no model %s", modelID)
	if spec.ID == "" {
		spec.ID = s.newID()
	}
	if spec.InstanceType == "" {
		spec.InstanceType = m.instanceType
	}
	must(s.hasInstanceType(spec.InstanceType), "no instance type %s", spec.InstanceType)
	must(m.deployment(spec.ID) == nil, "deployment ID %s exists", spec.ID)
	must(!slices.ContainsFunc(m.deployments, func(d *deployment) bool { return d.name == spec.Name }), "deployment %s exists", spec.Name)
	must(!spec.Development || m.development() == nil, "model %s has a development deployment", modelID)

	d := &deployment{
		id: spec.ID, name: spec.Name, model: m, created: s.opts.Now(), development: spec.Development,
		instanceType: spec.InstanceType, inFlight: spec.InFlight,
	}
	d.tell(spec.Status)
	if spec.Settings != nil {
		d.settings = new(*spec.Settings)
	} else if !d.undeployed() {
		d.settings = new(DefaultSettings())
	}
	d.replicas = d.desired()
	m.deployments = append(m.deployments, d)
	s.touch()
	return d.id
}

// AddEnvironment adds an environment to a model. Production is there already
// and is set up by it.
func (s *Server) AddEnvironment(modelID string, spec EnvironmentSpec) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.modelByID[modelID]
	must(m != nil, "no model %s", modelID)
	e := m.environment(spec.Name)
	if e == nil {
		e = &environment{name: spec.Name, model: m, created: s.opts.Now(), settings: DefaultSettings()}
		m.environments = append(m.environments, e)
	} else {
		must(spec.Name == production && e.current == nil, "environment %s exists", spec.Name)
	}
	if spec.Deployment != "" {
		d := m.deployment(spec.Deployment)
		must(d != nil, "no deployment %s in model %s", spec.Deployment, modelID)
		must(d.env == nil && !d.development, "deployment %s cannot serve environment %s", spec.Deployment, spec.Name)
		e.current, d.env = d, e
		if d.settings != nil {
			e.settings = *d.settings
		}
	}
	if spec.Settings != nil {
		e.settings = *spec.Settings
	}
	s.touch()
}

func (s *Server) hasInstanceType(id string) bool {
	return slices.ContainsFunc(s.instanceTypes, func(t InstanceType) bool { return t.ID == id })
}

func must(ok bool, format string, args ...any) {
	if !ok {
		panic("basetensim: " + fmt.Sprintf(format, args...))
	}
}
