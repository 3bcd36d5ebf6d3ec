package basetensim

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"
)

type team struct {
	id, name  string
	isDefault bool
	created   time.Time
}

type model struct {
	id, name     string
	team         *team
	created      time.Time
	instanceType string // ID
	deployments  []*deployment
	environments []*environment
}

// deployment is one immutable build and its replicas. Its status is derived
// from the replicas unless the simulation was told a word.
type deployment struct {
	id, name     string
	model        *model
	env          *environment // that it serves, or nil
	created      time.Time
	development  bool
	instanceType string // ID
	told         string // a status word set from outside, or empty

	settings *Settings // nil until it has deployed
	old      *version[*Settings]
	queued   []func() // changes that wait for it to be running again

	inFlight int
	replicas int
	stepping bool // a replica is being started or stopped
}

type environment struct {
	name     string
	model    *model
	created  time.Time
	settings Settings // the baseline
	old      *version[Settings]

	current   *deployment // that serves it, or nil
	candidate *deployment // that is being promoted into it, or nil
	promotion Promotion   // meaningful while there is a candidate

	schedules *Schedules
}

// version is what a value was before its last change, for stale reads.
type version[T any] struct {
	value     T
	changedAt time.Time
}

func (d *deployment) change(to Settings, now time.Time) {
	d.old = &version[*Settings]{d.settings, now}
	d.settings = &to
}

func (e *environment) change(to Settings, now time.Time) {
	e.old = &version[Settings]{e.settings, now}
	e.settings = to
}

// inForce returns the settings that the serving deployment should have: the
// baseline, under the schedule that is in force.
func (e *environment) inForce() Settings {
	if sc := e.schedules.active(); sc != nil {
		return e.settings.with(sc.Settings)
	}
	return e.settings
}

// newID makes the next opaque ID: unordered, as the real ones are, yet the same
// in every run. Callers hold the lock, or are New.
func (s *Server) newID() string {
	s.ids++
	h := fnv.New64a()
	h.Write(strconv.AppendInt([]byte("basetensim "), int64(s.ids), 10))
	id := strconv.FormatUint(h.Sum64(), 36)
	return id[len(id)-8:]
}

func (s *Server) teamByID(id string) *team {
	i := slices.IndexFunc(s.teams, func(t *team) bool { return t.id == id })
	if i < 0 {
		return nil
	}
	return s.teams[i]
}

func (s *Server) teamByName(name string) *team {
	i := slices.IndexFunc(s.teams, func(t *team) bool { return t.name == name })
	if i < 0 {
		return nil
	}
	return s.teams[i]
}

func (s *Server) instanceType(id string) InstanceType {
	i := slices.IndexFunc(s.instanceTypes, func(t InstanceType) bool { return t.ID == id })
	return s.instanceTypes[i] // AddModel and AddDeployment let no other ID in
}

func (m *model) deployment(id string) *deployment {
	i := slices.IndexFunc(m.deployments, func(d *deployment) bool { return d.id == id })
	if i < 0 {
		return nil
	}
	return m.deployments[i]
}

func (m *model) development() *deployment {
	i := slices.IndexFunc(m.deployments, func(d *deployment) bool { return d.development })
	if i < 0 {
		return nil
	}
	return m.deployments[i]
}

func (m *model) environment(name string) *environment {
	i := slices.IndexFunc(m.environments, func(e *environment) bool { return e.name == name })
	if i < 0 {
		return nil
	}
	return m.environments[i]
}

// production is the deployment that serves production, or nil.
func (m *model) production() *deployment {
	if e := m.environment(production); e != nil {
		return e.current
	}
	return nil
}

// production is the environment that every model has.
const production = "production"

// findDeployment resolves the IDs of a call from Go.
func (s *Server) findDeployment(modelID, deploymentID string) (*deployment, error) {
	m := s.modelByID[modelID]
	if m == nil {
		return nil, fmt.Errorf("basetensim: no model %s", modelID)
	}
	d := m.deployment(deploymentID)
	if d == nil {
		return nil, fmt.Errorf("basetensim: no deployment %s in model %s", deploymentID, modelID)
	}
	return d, nil
}

// findEnvironment resolves a model's ID and an environment's name.
func (s *Server) findEnvironment(modelID, name string) (*environment, error) {
	m := s.modelByID[modelID]
	if m == nil {
		return nil, fmt.Errorf("basetensim: no model %s", modelID)
	}
	e := m.environment(name)
	if e == nil {
		return nil, fmt.Errorf("basetensim: no environment %s in model %s", name, modelID)
	}
	return e, nil
}
