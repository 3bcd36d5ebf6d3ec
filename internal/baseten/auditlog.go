package baseten

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Changer is who changed settings, as Baseten's audit log names them
// (GET /v1/models/{model_id}/audit_logs).
type Changer struct {
	// Name is a person's email address, or a key's name or prefix. It is "" where the
	// log names nobody, as of Baseten's own doing.
	Name string `json:"name,omitempty"`
	// Key tells that it was an API key, Own that it was the one that this client uses:
	// somebody else uses it too.
	Key bool `json:"key,omitempty"`
	Own bool `json:"own,omitempty"`
	// Source is UI, API, MCP, SYSTEM, OTHER or a newer word, Client the program. Both
	// are "" where the log does not know.
	Source string `json:"source,omitempty"`
	Client string `json:"client,omitempty"`
}

const (
	// auditLogWithin is how much earlier than what was seen here an entry may be:
	// Baseten's clock is another one.
	auditLogWithin = time.Minute
	// auditLogMost is how many entries are read, and auditLogLimit how long they may be.
	auditLogMost  = 50
	auditLogLimit = 4 << 20
)

// auditEntry is one entry of the log, of which only what is asked for here is read.
type auditEntry struct {
	Data   map[string]json.RawMessage `json:"event_data"`
	Source json.RawMessage            `json:"source"`
	Client json.RawMessage            `json:"client_name"`
	Actor  struct {
		Type   string          `json:"type"`
		Email  json.RawMessage `json:"email"`
		Prefix json.RawMessage `json:"api_key_prefix"`
		Name   json.RawMessage `json:"api_key_name"`
	} `json:"actor"`
}

// ChangedBy returns who gave the target's settings the values that stand there now, no
// earlier than since; false where the log does not tell. It makes one call, once: a key
// that may not read the log gets an error, and nothing waits for a log that is slow.
func (c *Client) ChangedBy(ctx context.Context, t Target, stands Settings, since time.Time) (Changer, bool, error) {
	const op = "audit_logs"
	path, err := pathOf(op, []string{"models", t.ModelID, "audit_logs"})
	if err != nil {
		return Changer{}, false, err
	}
	query := url.Values{
		"event_type_groups":  {"AUTOSCALING_SETTINGS", "ENVIRONMENT_SETTINGS"},
		"start_epoch_millis": {strconv.FormatInt(since.Add(-auditLogWithin).UnixMilli(), 10)},
		"limit":              {strconv.Itoa(auditLogMost)},
	}
	got, err := c.Once().call(ctx, call{op: op, method: http.MethodGet, path: path + "?" + query.Encode(), timeout: c.cfg.ReadTimeout, limit: auditLogLimit})
	if err != nil {
		return Changer{}, false, err
	}
	var page struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(got.body, &page); err != nil {
		return Changer{}, false, unreadable(op, got.status, err)
	}
	for _, raw := range page.Items { // newest first
		var e auditEntry
		if readsInto(raw, &e) && e.about(t) && e.gives(stands) {
			return e.changer(c.cleanKey()), true, nil
		}
	}
	return Changer{}, false, nil
}

// about reports whether the entry is about what the target writes: an environment and the
// deployment that serves it are one.
func (e auditEntry) about(t Target) bool {
	if id := scalar(e.Data["deployment_id"]); id != "" {
		return id == t.DeploymentID
	}
	return t.Slot() != "" && scalar(e.Data["environment_name"]) == t.Slot()
}

// gives reports whether the entry sets these values.
func (e auditEntry) gives(stands Settings) bool {
	for f, v := range stands {
		if n, ok := number(e.Data[string(f)]); !ok || n != float64(v) {
			return false
		}
	}
	return len(stands) > 0
}

func (e auditEntry) changer(key string) Changer {
	prefix := scalar(e.Actor.Prefix)
	by := Changer{Key: e.Actor.Type == "API_KEY", Source: scalar(e.Source), Client: scalar(e.Client)}
	if !by.Key {
		by.Name = scalar(e.Actor.Email)
		return by
	}
	by.Name = cmp.Or(scalar(e.Actor.Name), prefix)
	by.Own = prefix != "" && strings.HasPrefix(key, prefix)
	return by
}
