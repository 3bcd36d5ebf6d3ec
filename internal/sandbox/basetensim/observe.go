package basetensim

import (
	"net/http"
	"slices"
	"time"
)

// Call is one request as it arrived. It never holds an Authorization header.
type Call struct {
	Time      time.Time `json:"time"`
	Method    string    `json:"method"`
	Path      string    `json:"path"` // as sent, still escaped
	Query     string    `json:"query,omitempty"`
	Op        Op        `json:"op,omitempty"`   // empty: no such operation
	Body      string    `json:"body,omitempty"` // empty if it was not read
	UserAgent string    `json:"user_agent"`
	// Status is that of the answer; 0 if there was none, or not yet.
	Status int `json:"status"`
}

// Snapshot is the state of the world at one moment. It is shared: do not
// change it.
type Snapshot struct {
	At     time.Time       `json:"at"`
	Teams  []string        `json:"teams"`
	Models []ModelSnapshot `json:"models"`
	// Requests and Patches are how many calls those methods list.
	Requests int      `json:"requests"`
	Patches  int      `json:"patches"`
	Switches []Switch `json:"switches"`
}

// ModelSnapshot is a model in a Snapshot.
type ModelSnapshot struct {
	ID           string                `json:"id"`
	Name         string                `json:"name"`
	Team         string                `json:"team"`
	InstanceType string                `json:"instance_type"`
	Environments []EnvironmentSnapshot `json:"environments"`
	Deployments  []DeploymentSnapshot  `json:"deployments"`
}

// EnvironmentSnapshot is an environment in a Snapshot.
type EnvironmentSnapshot struct {
	Name       string     `json:"name"`
	Deployment string     `json:"deployment"` // ID of the one that serves it; empty: none
	Candidate  string     `json:"candidate"`  // ID of the one being promoted; empty: none
	Promotion  *Promotion `json:"promotion"`  // nil: none in progress
	Schedule   string     `json:"schedule"`   // name of the one in force; empty: none
	Settings   Settings   `json:"settings"`   // the baseline
	// Settled: the serving deployment has the settings that it should have.
	Settled bool `json:"settled"`
}

// DeploymentSnapshot is a deployment in a Snapshot.
type DeploymentSnapshot struct {
	ID              string    `json:"id"`
	Name            string    `json:"name"`
	Environment     string    `json:"environment"` // that it serves; empty: none
	Development     bool      `json:"development"`
	Status          string    `json:"status"`
	Settings        *Settings `json:"settings"` // nil until it has deployed
	Queued          int       `json:"queued"`   // changes that wait
	InFlight        int       `json:"in_flight"`
	ActiveReplicas  int       `json:"active_replicas"`
	DesiredReplicas int       `json:"desired_replicas"`
}

// Model returns the model with that ID, or nil.
func (sn *Snapshot) Model(id string) *ModelSnapshot {
	i := slices.IndexFunc(sn.Models, func(m ModelSnapshot) bool { return m.ID == id })
	if i < 0 {
		return nil
	}
	return &sn.Models[i]
}

// Deployment returns the deployment with those IDs, or nil.
func (sn *Snapshot) Deployment(modelID, id string) *DeploymentSnapshot {
	m := sn.Model(modelID)
	if m == nil {
		return nil
	}
	i := slices.IndexFunc(m.Deployments, func(d DeploymentSnapshot) bool { return d.ID == id })
	if i < 0 {
		return nil
	}
	return &m.Deployments[i]
}

// Environment returns the environment of that name, or nil.
func (sn *Snapshot) Environment(modelID, name string) *EnvironmentSnapshot {
	m := sn.Model(modelID)
	if m == nil {
		return nil
	}
	i := slices.IndexFunc(m.Environments, func(e EnvironmentSnapshot) bool { return e.Name == name })
	if i < 0 {
		return nil
	}
	return &m.Environments[i]
}

// Snapshot returns the present state. It is made once per change.
func (s *Server) Snapshot() *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snapshot == nil {
		s.snapshot = s.shoot()
	}
	return s.snapshot
}

// Deployment returns the present state of one deployment, or nil.
func (s *Server) Deployment(modelID, id string) *DeploymentSnapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.findDeployment(modelID, id)
	if err != nil {
		return nil
	}
	return new(d.shoot())
}

// Environment returns the present state of one environment, or nil.
func (s *Server) Environment(modelID, name string) *EnvironmentSnapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.findEnvironment(modelID, name)
	if err != nil {
		return nil
	}
	return new(e.shoot())
}

// Changed returns a channel that is closed at the next change of anything that
// a Snapshot shows. Take it before looking, or a change can slip between.
func (s *Server) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Requests returns the calls so far, oldest first.
func (s *Server) Requests() []Call {
	return s.callsWhere(func(*Call) bool { return true })
}

// Patches returns the PATCH calls so far that were addressed to an operation,
// oldest first, refused ones too.
func (s *Server) Patches() []Call {
	return s.callsWhere(isPatch)
}

func isPatch(c *Call) bool { return c.Method == http.MethodPatch && c.Op != "" }

func (s *Server) callsWhere(ok func(*Call) bool) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Call{}
	for _, c := range s.calls {
		if ok(c) {
			out = append(out, *c)
		}
	}
	return out
}

func (s *Server) record(r *http.Request, req *request) *Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &Call{
		Time: s.opts.Now(), Method: r.Method, Path: req.path, Query: r.URL.RawQuery,
		Op: req.op, UserAgent: r.UserAgent(),
	}
	s.calls = append(s.calls, c)
	if isPatch(c) {
		s.patches++
	}
	s.touch()
	return c
}

func (s *Server) recordBody(c *Call, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Body = string(body)
}

func (s *Server) recordStatus(c *Call, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Status = status
}

func (s *Server) shoot() *Snapshot {
	out := &Snapshot{
		At: s.opts.Now(), Teams: []string{}, Models: make([]ModelSnapshot, 0, len(s.models)),
		Requests: len(s.calls), Patches: s.patches, Switches: s.listSwitches(),
	}
	for _, t := range s.teams {
		out.Teams = append(out.Teams, t.name)
	}
	for _, m := range s.models {
		ms := ModelSnapshot{
			ID: m.id, Name: m.name, Team: m.team.name, InstanceType: m.instanceType,
			Environments: make([]EnvironmentSnapshot, 0, len(m.environments)),
			Deployments:  make([]DeploymentSnapshot, 0, len(m.deployments)),
		}
		for _, e := range m.environments {
			ms.Environments = append(ms.Environments, e.shoot())
		}
		for _, d := range m.deployments {
			ms.Deployments = append(ms.Deployments, d.shoot())
		}
		out.Models = append(out.Models, ms)
	}
	return out
}

func (e *environment) shoot() EnvironmentSnapshot {
	out := EnvironmentSnapshot{Name: e.name, Settings: e.settings, Settled: e.settled()}
	if e.current != nil {
		out.Deployment = e.current.id
	}
	if e.candidate != nil {
		out.Candidate, out.Promotion = e.candidate.id, new(e.promotion)
	}
	if sc := e.schedules.active(); sc != nil {
		out.Schedule = sc.Name
	}
	return out
}

func (d *deployment) shoot() DeploymentSnapshot {
	out := DeploymentSnapshot{
		ID: d.id, Name: d.name, Development: d.development, Status: d.status(), Queued: len(d.queued),
		InFlight: d.inFlight, ActiveReplicas: d.replicas, DesiredReplicas: d.desired(),
	}
	if d.env != nil {
		out.Environment = d.env.name
	}
	if d.settings != nil {
		out.Settings = new(*d.settings)
	}
	return out
}
