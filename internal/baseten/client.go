package baseten

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultBaseURL is Baseten's management API.
const DefaultBaseURL = "https://api.baseten.co"

// Ops are the operations that Config.Observe is told of.
func Ops() []string {
	return []string{
		"models", "teams", "model", "deployments", "deployment", "environments", "environment", "instance_type_prices", "whoami",
		"audit_logs", "update_deployment", "update_environment",
	}
}

// Config says where Baseten is and how to call it. Only Key is required.
type Config struct {
	// BaseURL is DefaultBaseURL if empty. Whether it ends in /v1 makes no difference.
	BaseURL string
	// Key returns the API key. It is asked at each try, so that a key can change
	// while the program runs.
	Key func() string
	// Refresh, if set, is called once in a call that Baseten answered with 401. It
	// reads the key again and reports whether it changed; if so the call is made
	// once more.
	Refresh func() bool
	// Scheme stands before the key in the Authorization header: Api-Key (if empty)
	// or Bearer. Baseten accepts both and calls Api-Key the older one.
	Scheme string
	// UserAgent is shown in Baseten's audit log. It is autoscalebot if empty.
	UserAgent string
	// HTTPClient is used without its redirect policy; nil makes one.
	HTTPClient *http.Client
	// ReadTimeout bounds one try of a read, UpdateTimeout one try of a PATCH.
	// They are 10 s and 15 s if zero.
	ReadTimeout, UpdateTimeout time.Duration
	// Observe, if set, is told of every HTTP request when it ends: the operation
	// (models, update_environment …), "ok", "canceled" by the caller, or a Kind,
	// and how long it took.
	Observe func(op, result string, took time.Duration)

	// Now, Sleep and Rand default to the real ones. Rand is in [0,1).
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
	Rand  func() float64
}

// Client calls the management API. It is safe for concurrent use.
type Client struct {
	cfg  Config
	http *http.Client
	// impatient makes one try of each call.
	impatient bool
}

// Once returns the same client, but for its patience: each call is tried once. It is
// for callers who come back by themselves, so that their calls can be counted.
func (c *Client) Once() *Client {
	once := *c
	once.impatient = true
	return &once
}

// New returns a client. It makes no call.
func New(cfg Config) *Client {
	cfg.BaseURL = cmp.Or(CleanBaseURL(cfg.BaseURL), DefaultBaseURL)
	if cfg.Key == nil {
		cfg.Key = func() string { return "" }
	}
	if cfg.Scheme == "" {
		cfg.Scheme = "Api-Key"
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "autoscalebot"
	}
	if cfg.ReadTimeout == 0 {
		cfg.ReadTimeout = 10 * time.Second
	}
	if cfg.UpdateTimeout == 0 {
		cfg.UpdateTimeout = 15 * time.Second
	}
	if cfg.Observe == nil {
		cfg.Observe = func(string, string, time.Duration) {}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Float64
	}
	return &Client{cfg: cfg, http: httpClient(cfg.HTTPClient)}
}

// CleanBaseURL is a base URL without the version of the API, which people copy from
// examples and which every path begins with.
func CleanBaseURL(address string) string {
	address = strings.TrimRight(strings.TrimSpace(address), "/")
	return strings.TrimRight(strings.TrimSuffix(address, "/v1"), "/")
}

// httpClient copies the given client and takes its redirects away: following one
// would turn a PATCH into a GET, or carry the key to another host.
func httpClient(given *http.Client) *http.Client {
	var own http.Client
	if given != nil {
		own = *given
	}
	if own.Transport == nil {
		if base, ok := http.DefaultTransport.(*http.Transport); ok {
			transport := base.Clone()
			// Two lists are read at once for each command, by several people.
			transport.MaxIdleConnsPerHost = 16
			own.Transport = transport
		}
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close lets idle connections go. The client can still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Models lists every model that the key can see; Baseten has no pages here.
func (c *Client) Models(ctx context.Context) ([]Model, error) {
	return getList[Model](ctx, c, "models", "models", "models")
}

// Teams lists the teams that the key can see.
func (c *Client) Teams(ctx context.Context) ([]Team, error) {
	return getList[Team](ctx, c, "teams", "teams", "teams")
}

// Model reads one model.
func (c *Client) Model(ctx context.Context, modelID string) (Model, error) {
	return getOne[Model](ctx, c, "model", "models", modelID)
}

// Deployments lists the deployments of a model.
func (c *Client) Deployments(ctx context.Context, modelID string) ([]Deployment, error) {
	return getList[Deployment](ctx, c, "deployments", "deployments", "models", modelID, "deployments")
}

// Deployment reads one deployment by its ID.
func (c *Client) Deployment(ctx context.Context, modelID, deploymentID string) (Deployment, error) {
	if err := refuseShortcut("deployment", deploymentID); err != nil {
		return Deployment{}, err
	}
	return getOne[Deployment](ctx, c, "deployment", "models", modelID, "deployments", deploymentID)
}

// Environments lists the environments of a model.
func (c *Client) Environments(ctx context.Context, modelID string) ([]Environment, error) {
	return getList[Environment](ctx, c, "environments", "environments", "models", modelID, "environments")
}

// Environment reads one environment.
func (c *Client) Environment(ctx context.Context, modelID, name string) (Environment, error) {
	return getOne[Environment](ctx, c, "environment", "models", modelID, "environments", name)
}

// InstanceTypePrices lists what replicas cost.
func (c *Client) InstanceTypePrices(ctx context.Context) ([]Price, error) {
	return getList[Price](ctx, c, "instance_type_prices", "instance_types", "instance_type_prices")
}

// WhoAmI tells whose key is used.
func (c *Client) WhoAmI(ctx context.Context) (User, error) {
	return getOne[User](ctx, c, "whoami", "users", "me")
}

// UpdateDeployment changes exactly the given settings of one deployment. Any error
// is an *Error; ask its OutcomeUnknown before saying that nothing was changed.
func (c *Client) UpdateDeployment(ctx context.Context, modelID, deploymentID string, touched Settings) (Answer, error) {
	const op = "update_deployment"
	if err := refuseShortcut(op, deploymentID); err != nil {
		return Answer{}, err
	}
	return c.update(ctx, op, touched, touched, "models", modelID, "deployments", deploymentID, "autoscaling_settings")
}

// UpdateEnvironment changes exactly the given settings of one environment, which
// lays them on the deployment that serves it and on those promoted later. Errors
// are as in UpdateDeployment.
func (c *Client) UpdateEnvironment(ctx context.Context, modelID, name string, touched Settings) (Answer, error) {
	body := struct {
		Settings Settings `json:"autoscaling_settings"`
	}{touched}
	return c.update(ctx, "update_environment", touched, body, "models", modelID, "environments", name)
}

func (c *Client) update(ctx context.Context, op string, touched Settings, body any, segments ...string) (Answer, error) {
	if len(touched) == 0 {
		// An empty body means nothing, and a nil one would be the word null.
		return Answer{}, invalid(op, "no setting to change")
	}
	path, err := pathOf(op, segments)
	if err != nil {
		return Answer{}, err
	}
	data, err := json.Marshal(body)
	if err != nil {
		return Answer{}, invalid(op, err.Error())
	}
	got, err := c.call(ctx, call{op: op, method: http.MethodPatch, path: path, body: data,
		timeout: c.cfg.UpdateTimeout, limit: answerLimit})
	if err != nil {
		return Answer{}, err
	}
	return got.answer(), nil
}

func getOne[T object](ctx context.Context, c *Client, op string, segments ...string) (T, error) {
	var none T
	got, err := c.get(ctx, op, segments)
	if err != nil {
		return none, err
	}
	out, err := readOne[T](got.body)
	if err != nil {
		return none, unreadable(op, got.status, err)
	}
	return out, nil
}

func getList[T object](ctx context.Context, c *Client, op, key string, segments ...string) ([]T, error) {
	got, err := c.get(ctx, op, segments)
	if err != nil {
		return nil, err
	}
	out, err := readList[T](got.body, key)
	if err != nil {
		return nil, unreadable(op, got.status, err)
	}
	return out, nil
}

func (c *Client) get(ctx context.Context, op string, segments []string) (reply, error) {
	path, err := pathOf(op, segments)
	if err != nil {
		return reply{}, err
	}
	return c.call(ctx, call{op: op, method: http.MethodGet, path: path, timeout: c.cfg.ReadTimeout, limit: listLimit})
}

// pathOf joins the segments, each escaped. Segments that a server or proxy could
// resolve to another path are refused.
func pathOf(op string, segments []string) (string, error) {
	var b strings.Builder
	b.WriteString("/v1")
	for _, s := range segments {
		if s == "" || s == "." || s == ".." {
			return "", invalid(op, fmt.Sprintf("%q cannot be an ID or a name", s))
		}
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String(), nil
}

// refuseShortcut refuses the words that Baseten takes in place of a deployment ID:
// what they mean can change between the question and the call.
func refuseShortcut(op, deploymentID string) error {
	if deploymentID == "production" || deploymentID == "development" {
		return invalid(op, fmt.Sprintf("%q is not a deployment ID", deploymentID))
	}
	return nil
}

func invalid(op, why string) *Error {
	return &Error{Kind: KindInvalid, Op: op, cause: errors.New(why)}
}

func unreadable(op string, status int, cause error) *Error {
	return &Error{Kind: KindServer, Op: op, HTTPStatus: status, sent: true,
		cause: fmt.Errorf("answer cannot be read: %w", cause)}
}
