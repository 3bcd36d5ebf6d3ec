package baseten

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Baseten's answers grow and change monthly. What decides is read strictly: IDs,
// names, teams, places, settings. What only decorates is read as far as it can be, and
// left out where it cannot. An object of which something that decides cannot be read
// costs itself alone, never the list that it stands in, and says so.

// object is one thing in an answer.
type object interface {
	// identity is what it is known by, "" where it cannot be told from others.
	identity() string
	// trouble is why it cannot be read, "" where it can.
	trouble() string
}

func (m Model) identity() string { return cmp.Or(m.ID, m.nameIfBroken()) }
func (m Model) trouble() string  { return m.Unreadable }
func (m Model) nameIfBroken() string {
	if m.Unreadable == "" {
		return ""
	}
	return m.Name
}

func (d Deployment) identity() string { return cmp.Or(d.ID, d.Name) }
func (d Deployment) trouble() string  { return ifSo(d.Broken, d.Unreadable) }

func (e Environment) identity() string { return e.Name }
func (e Environment) trouble() string  { return ifSo(e.Broken, e.Unreadable) }

func (t Team) identity() string  { return t.ID }
func (t Team) trouble() string   { return "" }
func (u User) identity() string  { return u.ID }
func (u User) trouble() string   { return "" }
func (p Price) identity() string { return p.InstanceType.ID + p.InstanceType.Name }
func (p Price) trouble() string  { return "" }

func ifSo(so bool, text string) string {
	if so {
		return text
	}
	return ""
}

// readOne reads one object.
func readOne[T object](body []byte) (T, error) {
	var out T
	if err := json.Unmarshal(body, &out); err != nil {
		return out, err
	}
	switch {
	case out.trouble() != "":
		return out, errors.New(out.trouble())
	case out.identity() == "":
		return out, errors.New("no name or id in it")
	}
	return out, nil
}

// readList reads the list under key. A missing list is an error and not an empty one,
// and so is one of which nothing can be read: an empty list would make every name
// unknown. Objects without a name or ID are left out.
func readList[T object](body []byte, key string) ([]T, error) {
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	var items []json.RawMessage
	if err := json.Unmarshal(answer[key], &items); err != nil || items == nil {
		return nil, fmt.Errorf("no list of %s in it", key)
	}
	out := make([]T, 0, len(items))
	for _, item := range items {
		var one T
		if err := json.Unmarshal(item, &one); err == nil && one.identity() != "" {
			out = append(out, one)
		}
	}
	if len(out) == 0 && len(items) > 0 {
		return nil, fmt.Errorf("none of %d %s has a name or id that can be read", len(items), key)
	}
	return out, nil
}

// UnmarshalJSON reads a model. It never fails, see Unreadable.
func (m *Model) UnmarshalJSON(data []byte) error {
	*m = Model{}
	type plain Model
	wire := struct {
		*plain
		Production  json.RawMessage `json:"production_deployment_id"`
		Development json.RawMessage `json:"development_deployment_id"`
		Deployments json.RawMessage `json:"deployments_count"`
		Instance    json.RawMessage `json:"instance_type_name"`
	}{plain: (*plain)(m)}
	if err := json.Unmarshal(data, &wire); err != nil {
		*m = Model{ID: m.ID, Name: m.Name, Unreadable: why(err)}
		return nil
	}
	m.ProductionDeploymentID, m.DevelopmentDeploymentID = scalar(wire.Production), scalar(wire.Development)
	m.Deployments, m.InstanceType = count(wire.Deployments), scalar(wire.Instance)
	return nil
}

// UnmarshalJSON reads a deployment. It never fails, see Broken and Unreadable.
func (d *Deployment) UnmarshalJSON(data []byte) error {
	*d = Deployment{}
	type plain Deployment
	wire := struct {
		*plain
		ModelID  json.RawMessage `json:"model_id"`
		Status   json.RawMessage `json:"status"`
		Replicas json.RawMessage `json:"active_replica_count"`
		Instance json.RawMessage `json:"instance_type_name"`
		Settings json.RawMessage `json:"autoscaling_settings"`
	}{plain: (*plain)(d)}
	err := json.Unmarshal(data, &wire)
	if err == nil && d.ID == "" {
		err = errors.New("no id in it")
	}
	if err != nil {
		*d = Deployment{ID: d.ID, Name: d.Name, Unreadable: why(err), Broken: true}
		return nil
	}
	d.ModelID, d.Status = scalar(wire.ModelID), scalar(wire.Status)
	d.ActiveReplicas, d.InstanceType = count(wire.Replicas), scalar(wire.Instance)
	d.Settings, d.Unreadable = readSettings(wire.Settings)
	return nil
}

// UnmarshalJSON reads an environment. It never fails, see Broken and Unreadable.
func (e *Environment) UnmarshalJSON(data []byte) error {
	*e = Environment{}
	type plain Environment
	wire := struct {
		*plain
		ModelID   json.RawMessage `json:"model_id"`
		Current   json.RawMessage `json:"current_deployment"`
		Candidate json.RawMessage `json:"candidate_deployment"`
		Promotion json.RawMessage `json:"in_progress_promotion"`
		Settings  json.RawMessage `json:"autoscaling_settings"`
	}{plain: (*plain)(e)}
	err := json.Unmarshal(data, &wire)
	if err == nil {
		e.Current, err = readPlace("current_deployment", wire.Current)
	}
	if err == nil {
		e.Candidate, err = readPlace("candidate_deployment", wire.Candidate)
	}
	if err != nil {
		*e = Environment{Name: e.Name, Unreadable: why(err), Broken: true}
		return nil
	}
	e.ModelID, e.Promotion = scalar(wire.ModelID), readPromotion(wire.Promotion)
	e.Settings, e.Unreadable = readSettings(wire.Settings)
	return nil
}

// readPlace reads the deployment in one of an environment's two places, nil if it is
// empty. Who is in it decides, so that one that cannot be told is an error.
func readPlace(place string, raw json.RawMessage) (*Deployment, error) {
	if absent(raw) {
		return nil, nil
	}
	d, err := readOne[Deployment](raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	return &d, nil
}

// readPromotion reads the state of a promotion, nil if there is none. One in a form
// that cannot be read is one all the same.
func readPromotion(raw json.RawMessage) *Promotion {
	if absent(raw) {
		return nil
	}
	var wire struct {
		Status  json.RawMessage `json:"status"`
		Percent json.RawMessage `json:"percent_traffic_to_new_version"`
	}
	_ = json.Unmarshal(raw, &wire) // any other form: both stay empty
	p := &Promotion{Status: scalar(wire.Status)}
	if n, ok := number(wire.Percent); ok {
		p.Percent = &n
	}
	return p
}

// readSettings reads settings, or says why they cannot be read.
func readSettings(raw json.RawMessage) (Settings, string) {
	if raw == nil {
		return nil, ""
	}
	var s Settings
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, why(err)
	}
	return s, ""
}

// UnmarshalJSON reads an instance type, of which a name alone is enough.
func (t *InstanceType) UnmarshalJSON(data []byte) error {
	var wire struct {
		ID   json.RawMessage `json:"id"`
		Name json.RawMessage `json:"name"`
	}
	*t = InstanceType{}
	if !readsInto(data, &wire) {
		t.Name = scalar(data)
		return nil
	}
	t.ID, t.Name = scalar(wire.ID), scalar(wire.Name)
	return nil
}

// UnmarshalJSON reads a user, of whom only the ID has to be there.
func (u *User) UnmarshalJSON(data []byte) error {
	var wire struct {
		ID        string          `json:"user_id"`
		Email     json.RawMessage `json:"email"`
		Name      json.RawMessage `json:"name"`
		Workspace json.RawMessage `json:"workspace_name"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*u = User{ID: wire.ID, Email: scalar(wire.Email), Name: scalar(wire.Name), Workspace: scalar(wire.Workspace)}
	return nil
}

func readsInto(data []byte, into any) bool { return json.Unmarshal(data, into) == nil }

func absent(raw json.RawMessage) bool { return raw == nil || string(raw) == "null" }

// number reads a number, also one that is written as text.
func number(raw json.RawMessage) (float64, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(scalar(raw)), 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// count reads how many there are, 0 where that cannot be told.
func count(raw json.RawMessage) int {
	n, ok := number(raw)
	if !ok || n < 0 || n > math.MaxInt32 {
		return 0
	}
	return int(n)
}

// why says in a few words what in an answer cannot be read.
func why(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		field := wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:]
		return fmt.Sprintf("%s is of another kind (%s)", cmp.Or(field, "it"), wrong.Value)
	}
	return clean(err.Error())
}
