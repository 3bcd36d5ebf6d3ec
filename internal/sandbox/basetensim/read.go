package basetensim

import "net/http"

// The handlers of this file answer GET. They run with the lock held.

func (s *Server) getMe(*request) answer {
	return ok(userInfoV1{
		UserID: "simulated-user", Email: new("bot@example.com"), Name: new("Autoscale bot"), WorkspaceName: new("Simulated workspace"),
	})
}

func (s *Server) listTeams(req *request) answer {
	out := []teamV1{}
	for _, t := range s.teams {
		if s.named(req, t.name) {
			out = append(out, s.view(req).team(t))
		}
	}
	return ok(map[string]any{"teams": out})
}

func (s *Server) listPrices(req *request) answer {
	out := []instanceTypeWithPriceV1{}
	for _, t := range s.instanceTypes {
		if t.DollarsPerMinute > 0 && !s.pricesHidden {
			out = append(out, instanceTypeWithPriceV1{s.view(req).instanceType(t.ID), t.DollarsPerMinute})
		}
	}
	return ok(map[string]any{"instance_types": out})
}

func (s *Server) listModels(req *request) answer {
	return s.modelsOf(req, func(*model) bool { return true })
}

func (s *Server) listTeamModels(req *request) answer {
	t := s.teamByID(req.params["team_id"])
	if t == nil {
		return notFound("team")
	}
	return s.modelsOf(req, func(m *model) bool { return m.team == t })
}

func (s *Server) modelsOf(req *request, wanted func(*model) bool) answer {
	out := []modelV1{}
	for _, m := range s.models {
		if wanted(m) && s.named(req, m.name) {
			out = append(out, s.view(req).model(m))
		}
	}
	return ok(map[string]any{"models": out})
}

func (s *Server) getModel(req *request) answer {
	m := s.modelByID[req.params["model_id"]]
	if m == nil {
		return notFound("model")
	}
	return ok(s.view(req).model(m))
}

func (s *Server) listDeployments(req *request) answer {
	m := s.modelByID[req.params["model_id"]]
	if m == nil {
		return notFound("model")
	}
	out := []deploymentV1{}
	for _, d := range m.deployments {
		if s.named(req, d.name) {
			out = append(out, s.view(req).deployment(d))
		}
	}
	return ok(map[string]any{"deployments": out})
}

func (s *Server) getDeployment(req *request) answer {
	d, refused := s.deploymentOf(req)
	if d == nil {
		return refused
	}
	return ok(s.view(req).deployment(d))
}

func (s *Server) listEnvironments(req *request) answer {
	m := s.modelByID[req.params["model_id"]]
	if m == nil {
		return notFound("model")
	}
	out := []environmentV1{}
	for _, e := range m.environments {
		out = append(out, s.view(req).environment(e))
	}
	return ok(map[string]any{"environments": out})
}

func (s *Server) getEnvironment(req *request) answer {
	e, refused := s.environmentOf(req)
	if e == nil {
		return refused
	}
	return ok(s.view(req).environment(e))
}

// deploymentOf finds the deployment that the request is about: the one with
// the ID, or the one behind the words production and development. If there is
// none, the answer says what is missing.
func (s *Server) deploymentOf(req *request) (*deployment, answer) {
	m := s.modelByID[req.params["model_id"]]
	if m == nil {
		return nil, notFound("model")
	}
	var d *deployment
	switch req.op {
	case GetProductionDeployment, PatchProductionSettings:
		d = m.production()
	case GetDevelopmentDeployment, PatchDevelopmentSettings:
		d = m.development()
	default:
		d = m.deployment(req.params["deployment_id"])
	}
	if d == nil {
		return nil, notFound("deployment")
	}
	return d, answer{status: http.StatusOK}
}

func (s *Server) environmentOf(req *request) (*environment, answer) {
	m := s.modelByID[req.params["model_id"]]
	if m == nil {
		return nil, notFound("model")
	}
	e := m.environment(req.params["env_name"])
	if e == nil {
		return nil, notFound("environment")
	}
	return e, answer{status: http.StatusOK}
}

// named applies the list filter ?name=, which is exact.
func (s *Server) named(req *request, name string) bool {
	return s.opts.IgnoreNameFilter || !req.query.Has("name") || req.query.Get("name") == name
}
