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
}

// routes is searched from the top, so the two shortcut words come before the
// deployment ID that they shadow.
func routes() []route {
	name := []string{"name"}
	return []route{
		{GetMe, nil, (*Server).getMe},
		{ListTeams, name, (*Server).listTeams},
		{ListTeamModels, name, (*Server).listTeamModels},
		{ListInstanceTypePrices, nil, (*Server).listPrices},
		{ListModels, name, (*Server).listModels},
		{GetModel, nil, (*Server).getModel},
		{ListDeployments, name, (*Server).listDeployments},
		{GetProductionDeployment, nil, (*Server).getDeployment},
		{GetDevelopmentDeployment, nil, (*Server).getDeployment},
		{GetDeployment, nil, (*Server).getDeployment},
		{ListEnvironments, nil, (*Server).listEnvironments},
		{GetEnvironment, nil, (*Server).getEnvironment},
		{PatchProductionSettings, nil, (*Server).patchDeployment},
		{PatchDevelopmentSettings, nil, (*Server).patchDeployment},
		{PatchDeploymentSettings, nil, (*Server).patchDeployment},
		{PatchEnvironment, nil, (*Server).patchEnvironment},
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
			if !slices.Contains(rt.query, key) || len(values) != 1 {
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
