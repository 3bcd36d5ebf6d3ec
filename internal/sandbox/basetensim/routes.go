package basetensim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Op names one operation of the API: its method and its path in the spec.
type Op string

// The simulated operations.
const (
	GetMe                    Op = "GET /v1/users/me"
	ListTeams                Op = "GET /v1/teams"
	ListTeamModels           Op = "GET /v1/teams/{team_id}/models"
	ListInstanceTypePrices   Op = "GET /v1/instance_type_prices"
	ListModels               Op = "GET /v1/models"
	GetModel                 Op = "GET /v1/models/{model_id}"
	ListDeployments          Op = "GET /v1/models/{model_id}/deployments"
	GetProductionDeployment  Op = "GET /v1/models/{model_id}/deployments/production"
	GetDevelopmentDeployment Op = "GET /v1/models/{model_id}/deployments/development"
	GetDeployment            Op = "GET /v1/models/{model_id}/deployments/{deployment_id}"
	ListEnvironments         Op = "GET /v1/models/{model_id}/environments"
	GetEnvironment           Op = "GET /v1/models/{model_id}/environments/{env_name}"
	ListModelAuditLogs       Op = "GET /v1/models/{model_id}/audit_logs"
	PatchProductionSettings  Op = "PATCH /v1/models/{model_id}/deployments/production/autoscaling_settings"
	PatchDevelopmentSettings Op = "PATCH /v1/models/{model_id}/deployments/development/autoscaling_settings"
	PatchDeploymentSettings  Op = "PATCH /v1/models/{model_id}/deployments/{deployment_id}/autoscaling_settings"
	PatchEnvironment         Op = "PATCH /v1/models/{model_id}/environments/{env_name}"
)

// route is one row of the API's table.
type route struct {
	op    Op
	query []string // the query parameters that it takes
	serve func(*Server, *request) answer
	lists []string // the query parameters that may stand several times
}

// routes is searched from the top, so the two shortcut words come before the
// deployment ID that they shadow.
func routes() []route {
	name := []string{"name"}
	page := []string{"cursor", "limit", "direction", "search", "start_epoch_millis", "end_epoch_millis"}
	filters := []string{"event_type_groups", "user_ids", "deployment_ids", "chain_deployment_ids", "environment_names", "sources"}
	return []route{
		{GetMe, nil, (*Server).getMe, nil},
		{ListTeams, name, (*Server).listTeams, nil},
		{ListTeamModels, name, (*Server).listTeamModels, nil},
		{ListInstanceTypePrices, nil, (*Server).listPrices, nil},
		{ListModels, name, (*Server).listModels, nil},
		{GetModel, nil, (*Server).getModel, nil},
		{ListDeployments, name, (*Server).listDeployments, nil},
		{GetProductionDeployment, nil, (*Server).getDeployment, nil},
		{GetDevelopmentDeployment, nil, (*Server).getDeployment, nil},
		{GetDeployment, nil, (*Server).getDeployment, nil},
		{ListEnvironments, nil, (*Server).listEnvironments, nil},
		{GetEnvironment, nil, (*Server).getEnvironment, nil},
		{ListModelAuditLogs, page, (*Server).listAuditLogs, filters},
		{PatchProductionSettings, nil, (*Server).patchDeployment, nil},
		{PatchDevelopmentSettings, nil, (*Server).patchDeployment, nil},
		{PatchDeploymentSettings, nil, (*Server).patchDeployment, nil},
		{PatchEnvironment, nil, (*Server).patchEnvironment, nil},
	}
}

// request is one call on its way through the server.
type request struct {
	route
	method string
	path   string // as sent, still escaped
	params map[string]string
	query  url.Values
	header http.Header
	body   []byte

	stale *Injected // the fault that makes this read an old one, if any
	slow  *Injected // the fault that puts off this change, if any
}

// resolve finds the request's operation. If there is none, the answer says why.
func resolve(r *http.Request) (*request, *answer) {
	req := &request{method: r.Method, path: r.URL.EscapedPath(), header: r.Header}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return req, new(invalid("the query string is malformed"))
	}
	req.query = query

	var allowed []string
	for _, rt := range routes() {
		method, template, _ := strings.Cut(string(rt.op), " ")
		params, ok := matchPath(template, req.path)
		if !ok {
			continue
		}
		if method != r.Method {
			allowed = append(allowed, method)
			continue
		}
		req.route, req.params = rt, params
		for key, values := range query {
			once := slices.Contains(rt.query, key) && len(values) == 1
			if !once && !slices.Contains(rt.lists, key) {
				return req, new(invalid("unexpected query parameter " + key))
			}
		}
		return req, nil
	}
	if len(allowed) > 0 {
		ans := apiError(http.StatusMethodNotAllowed, "error", "method not allowed")
		ans.header = http.Header{"Allow": {strings.Join(allowed, ", ")}}
		return req, &ans
	}
	return req, new(apiError(http.StatusNotFound, "error", "not found"))
}

// matchPath compares an escaped path with a template, segment by segment, and
// returns the unescaped values of the {words}. No cleaning: //, a trailing
// slash and dots are what they are.
func matchPath(template, path string) (map[string]string, bool) {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	params := make(map[string]string)
	for i, w := range want {
		segment, err := url.PathUnescape(got[i])
		if err != nil {
			return nil, false
		}
		if name, ok := strings.CutPrefix(w, "{"); ok {
			if segment == "" {
				return nil, false
			}
			params[strings.TrimSuffix(name, "}")] = segment
		} else if segment != w {
			return nil, false
		}
	}
	return params, true
}
