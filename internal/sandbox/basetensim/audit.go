package basetensim

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Actor is who changed something, as audit logs name them.
type Actor struct {
	Type          string // USER, API_KEY, BASETEN_USER, BASETEN_SYSTEM, TOMBSTONE_USER
	Email         string // of a user
	KeyPrefix     string // of a key
	KeyName       string // of a key
	Source        string // UI, API, MCP, SYSTEM, OTHER; empty: not known
	Client        string // the program; empty: not known
	ClientVersion string
}

// The actors of what happens without the API: a colleague on Baseten's own pages,
// Terraform with a key of its own, and Baseten itself.
var (
	Colleague = Actor{Type: "USER", Email: "grace@example.com", Source: "UI"}
	Terraform = Actor{Type: "API_KEY", KeyPrefix: "tf8Kx2Qa", KeyName: "terraform", Source: "API", Client: "terraform-provider-baseten", ClientVersion: "1.4.0"}
	System    = Actor{Type: "BASETEN_SYSTEM", Source: "SYSTEM"}
)

// KeyName is the name of the server's own key.
const KeyName = "autoscale bot"

// KeyPrefix is what audit logs show of a key: what stands before its first point, or
// its first eight characters.
func KeyPrefix(key string) string {
	prefix, _, found := strings.Cut(key, ".")
	if !found && len(key) > 8 {
		prefix = key[:8]
	}
	return prefix
}

// caller is the actor of an API call: the server's own key, and the program by which the
// User-Agent begins.
func (s *Server) caller(req *request) Actor {
	program, _, _ := strings.Cut(req.header.Get("User-Agent"), " ")
	client, version, _ := strings.Cut(program, "/")
	return Actor{
		Type: "API_KEY", KeyPrefix: KeyPrefix(s.opts.APIKey), KeyName: KeyName, Source: "API", Client: client, ClientVersion: version,
	}
}

// change is one entry of the audit log: settings of a deployment, or of an environment.
type change struct {
	id       string
	at       time.Time
	by       Actor
	model    *model
	name     string // of the model, then
	env      string // that was changed, or that the deployment served then
	d        *deployment
	deployed string // the deployment's name, then
	was      *Settings
	is       Settings
}

// changeDeployment changes a deployment's settings and enters it in the audit log.
// Callers hold the lock.
func (s *Server) changeDeployment(d *deployment, to Settings, by Actor) {
	c := change{model: d.model, name: d.model.name, d: d, deployed: d.name, was: d.settings, is: to, by: by}
	if d.env != nil {
		c.env = d.env.name
	}
	d.change(to, s.opts.Now())
	s.enter(c)
}

// changeEnvironment changes an environment's baseline and enters it in the audit log.
func (s *Server) changeEnvironment(e *environment, to Settings, by Actor) {
	was := e.settings
	e.change(to, s.opts.Now())
	s.enter(change{model: e.model, name: e.model.name, env: e.name, was: &was, is: to, by: by})
}

func (s *Server) enter(c change) {
	if c.was != nil && c.was.Equal(c.is) {
		return
	}
	c.id, c.at = s.newID(), s.opts.Now()
	s.audit = append(s.audit, c)
}

// The event types that are simulated, and the groups by which they are asked for.
const (
	deploymentChanged  = "MODEL_DEPLOYMENT_AUTOSCALING_SETTINGS_CHANGED"
	environmentUpdated = "ENVIRONMENT_UPDATED"
)

func (c *change) kind() (event, group string) {
	if c.d == nil {
		return environmentUpdated, "ENVIRONMENT_SETTINGS"
	}
	return deploymentChanged, "AUTOSCALING_SETTINGS"
}

// listAuditLogs answers a model's audit log: what changed settings, of deployments and
// of environments. A change of an environment that is served is two entries, one each.
func (s *Server) listAuditLogs(req *request) answer {
	m := s.modelByID[req.params["model_id"]]
	if m == nil {
		return notFound("model")
	}
	p, problem := readAuditPage(req.query)
	if problem != "" {
		return invalid(problem)
	}
	var found []*change
	for i := range s.audit {
		if c := &s.audit[i]; c.model == m && p.wants(c) {
			found = append(found, c)
		}
	}
	if p.direction == "DESC" {
		slices.Reverse(found)
	}
	from := min(p.from, len(found))
	to := min(from+p.limit, len(found))
	out := auditLogsV1{Items: []auditEntryV1{}, Pagination: paginationV1{HasMore: to < len(found)}}
	for _, c := range found[from:to] {
		out.Items = append(out.Items, c.entry())
	}
	if out.Pagination.HasMore {
		out.Pagination.Cursor = new(fmt.Sprintf("%s-%d", p.direction, to))
	}
	return ok(out)
}

// auditPage is what a list was asked for.
type auditPage struct {
	query       url.Values
	direction   string // DESC, ASC
	from, limit int
	start, end  int64 // milliseconds; 0: open
}

func readAuditPage(q url.Values) (p auditPage, problem string) {
	p = auditPage{query: q, direction: cmp.Or(q.Get("direction"), "DESC"), limit: 20}
	var err error
	if text := q.Get("limit"); text != "" {
		if p.limit, err = strconv.Atoi(text); err != nil || p.limit < 1 || p.limit > 200 {
			return p, "limit must be between 1 and 200"
		}
	}
	if cursor := q.Get("cursor"); cursor != "" {
		direction, from, _ := strings.Cut(cursor, "-")
		if p.from, err = strconv.Atoi(from); err != nil || p.from < 0 {
			return p, "the cursor is not one of ours"
		}
		p.direction = direction
	}
	for name, to := range map[string]*int64{"start_epoch_millis": &p.start, "end_epoch_millis": &p.end} {
		if text := q.Get(name); text != "" {
			if *to, err = strconv.ParseInt(text, 10, 64); err != nil {
				return p, name + " must be an integer"
			}
		}
	}
	if p.direction != "DESC" && p.direction != "ASC" {
		return p, "direction must be DESC or ASC"
	}
	return p, ""
}

func (p auditPage) wants(c *change) bool {
	_, group := c.kind()
	deployment := ""
	if c.d != nil {
		deployment = c.d.id
	}
	one := func(name, value string) bool { return !p.query.Has(name) || slices.Contains(p.query[name], value) }
	search := strings.ToLower(p.query.Get("search"))
	return one("event_type_groups", group) && one("deployment_ids", deployment) && one("environment_names", c.env) && one("sources", c.by.Source) &&
		one("user_ids", "") && one("chain_deployment_ids", "") &&
		(p.start == 0 || c.at.UnixMilli() >= p.start) && (p.end == 0 || c.at.UnixMilli() <= p.end) &&
		strings.Contains(strings.ToLower(strings.Join([]string{c.name, c.model.id, deployment, c.deployed, c.env}, " ")), search)
}

func (c *change) entry() auditEntryV1 {
	event, _ := c.kind()
	data := c.settings(c.is)
	data["event_type"], data["schedules"], data["deployment_type"] = event, nil, nil
	data["model_id"], data["model_name"] = c.model.id, c.name
	data["previous_settings"] = nil
	if c.was != nil {
		data["previous_settings"] = c.settings(*c.was)
	}
	if c.d != nil {
		data["deployment_id"], data["deployment_name"] = c.d.id, c.deployed
	} else {
		data["environment_name"] = c.env
	}
	known := func(text string) *string {
		if text == "" {
			return nil
		}
		return &text
	}
	return auditEntryV1{
		ID: c.id, Created: c.at.UTC(), EventType: event, EventData: data, Source: known(c.by.Source),
		Actor:      auditActorV1{c.by.Type, known(c.by.Email), known(c.by.KeyPrefix), known(c.by.KeyName)},
		ClientName: known(c.by.Client), ClientVersion: known(c.by.ClientVersion),
	}
}

// settings are autoscaling settings as entries have them: of an environment together
// with its settings of promotions, which are not simulated.
func (c *change) settings(st Settings) map[string]any {
	out := map[string]any{}
	for _, f := range fields() {
		out[f.name] = f.get(st)
	}
	if c.d != nil {
		return out
	}
	for _, name := range []string{
		"redeploy_on_promotion", "rolling_deploy", "rolling_deploy_strategy", "max_unavailable_percent", "max_surge_percent",
		"stabilization_time_seconds", "replica_overhead_percent", "promotion_cleanup_strategy", "ramp_up_while_promoting",
		"ramp_up_duration_seconds", "ramp_up_step_size",
	} {
		out[name] = nil
	}
	return out
}
