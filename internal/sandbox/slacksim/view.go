package slacksim

import (
	"encoding/json"
	"slices"
	"time"
	"unicode/utf8"
)

// triggerLife is how long a trigger_id opens a modal, once.
// https://docs.slack.dev/interactivity/handling-user-interaction/
const triggerLife = 3 * time.Second

// maxStack is how many modals can lie on each other.
const maxStack = 3

type trigger struct {
	user    string
	expires time.Time
	used    bool
}

// View is a modal that is open, or the Home tab of a user.
type View struct {
	ID              string            `json:"id"`
	Type            string            `json:"type"` // modal, home
	UserID          string            `json:"user_id"`
	Hash            string            `json:"hash"`
	CallbackID      string            `json:"callback_id,omitempty"`
	ExternalID      string            `json:"external_id,omitempty"`
	PrivateMetadata string            `json:"private_metadata,omitempty"`
	Title           string            `json:"title,omitempty"`
	Submit          string            `json:"submit,omitempty"`
	Close           string            `json:"close,omitempty"`
	Blocks          json.RawMessage   `json:"blocks"`
	RootID          string            `json:"root_view_id"`
	PreviousID      string            `json:"previous_view_id,omitempty"`
	Errors          map[string]string `json:"errors,omitempty"`  // by block_id, from the last submission
	Trouble         bool              `json:"trouble,omitempty"` // "We had some trouble connecting. Try again?"
	// Entered is what a person has put in, and what an update of the view has kept.
	Entered Entered `json:"entered,omitempty"`
	// Suggestions are the app's answers to what was last typed into external selects.
	Suggestions []Suggestion `json:"suggestions,omitempty"`

	raw     map[string]any
	offered map[optionKey]map[string]any // options of external selects
}

func (s *Server) newTriggerLocked(userID string) string {
	id := s.idLocked("") + "." + s.idLocked("") + "." + s.idLocked("trigger")
	s.triggers[id] = &trigger{user: userID, expires: s.opts.Now().Add(triggerLife)}
	return id
}

func (s *Server) spendTriggerLocked(id string) (userID string, err *apiError) {
	t := s.triggers[id]
	switch {
	case id == "":
		return "", missingArg("trigger_id")
	case t == nil:
		return "", fail("invalid_trigger_id")
	case t.used:
		return "", fail("exchanged_trigger_id")
	case s.opts.Now().After(t.expires):
		return "", fail("expired_trigger_id")
	}
	t.used = true
	return t.user, nil
}

// OpenViews lists what a user has open: Home tab and modals, oldest first.
func (s *Server) OpenViews(userID string) []View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.viewsLocked(userID)
}

// viewsLocked lists the views of a user; "" lists all.
func (s *Server) viewsLocked(userID string) []View {
	out := []View{}
	for _, v := range s.views {
		if userID == "" || v.UserID == userID {
			out = append(out, *v)
		}
	}
	return out
}

// CloseView closes a modal as the person does, and with clear_on_close all that lie
// below. The app is told, by view_closed, where it asked for that by notify_on_close.
func (s *Server) CloseView(userID, viewID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.views, func(v *View) bool { return v.ID == viewID && v.UserID == userID && v.Type == "modal" })
	if i < 0 {
		return
	}
	v := s.views[i]
	s.views = slices.Delete(s.views, i, i+1)
	if v.raw["clear_on_close"] == true {
		s.clearStackLocked(userID)
	}
	s.touchLocked()
	if v.raw["notify_on_close"] == true {
		d := s.newDeliveryLocked(KindInteractive, "close "+viewID, userID, "")
		payload := s.interactionLocked("view_closed", d)
		payload["view"], payload["is_cleared"] = s.viewObjectLocked(v), v.raw["clear_on_close"] == true
		delete(payload, "trigger_id")
		d.payload = encode(payload)
		d.sendLocked(d.EnvelopeID, 0)
	}
}

// parseViewLocked checks a view as it comes from the app.
func (s *Server) parseViewLocked(text, want string) (*View, *apiError) {
	var raw map[string]any
	if text == "" {
		return nil, missingArg("view")
	}
	if json.Unmarshal([]byte(text), &raw) != nil {
		return nil, &apiError{code: "invalid_arguments", messages: []string{"view is not a JSON object"}}
	}
	kind := str(raw["type"])
	surface := onModal
	if kind == "home" {
		surface = onHome
	}
	check := s.checkerLocked(surface, "/view")
	check.view(raw, kind, want)
	if len(check.problems) > 0 {
		return nil, &apiError{code: "invalid_arguments", messages: check.problems}
	}
	return &View{
		Type: kind, CallbackID: str(raw["callback_id"]), ExternalID: str(raw["external_id"]),
		PrivateMetadata: str(raw["private_metadata"]), Title: textOf(raw["title"]), Submit: textOf(raw["submit"]),
		Close: textOf(raw["close"]), Blocks: encode(raw["blocks"]), raw: raw,
	}, nil
}

// view checks what a view adds to its blocks.
func (k *checker) view(raw map[string]any, kind, want string) {
	if kind != want {
		k.fail("/type", "must be "+want)
	}
	k.known(raw, "", "type", "title", "blocks", "close", "submit", "private_metadata", "callback_id",
		"clear_on_close", "notify_on_close", "external_id", "submit_disabled")
	if kind == "modal" {
		k.text(raw["title"], "/title", textRule{plain: true, max: 24, required: true})
		k.text(raw["submit"], "/submit", textRule{plain: true, max: 24})
		k.text(raw["close"], "/close", textRule{plain: true, max: 24})
	}
	k.length(str(raw["private_metadata"]), "/private_metadata", 3000)
	k.length(str(raw["callback_id"]), "/callback_id", 255)
	k.length(str(raw["external_id"]), "/external_id", 255)
	blocks, ok := raw["blocks"].([]any)
	if !ok {
		k.fail("/blocks", "missing required field")
		return
	}
	k.blocks(blocks, "/blocks")
	if kind == "modal" && raw["submit"] == nil {
		for _, b := range blocks {
			if block, _ := b.(map[string]any); block["type"] == "input" {
				k.fail("/submit", "missing required field: a view with an input block needs submit")
				return
			}
		}
	}
}

func (k *checker) length(text, at string, most int) {
	if n := utf8.RuneCountInString(text); n > most {
		k.tooLong(at, most)
	}
}

func (s *Server) viewsOpen(call *apiCall) (map[string]any, *apiError) {
	return s.addModalLocked(call, false)
}

func (s *Server) viewsPush(call *apiCall) (map[string]any, *apiError) {
	return s.addModalLocked(call, true)
}

func (s *Server) addModalLocked(call *apiCall, push bool) (map[string]any, *apiError) {
	user, err := s.spendTriggerLocked(call.args["trigger_id"])
	if err != nil {
		return nil, err
	}
	v, err := s.parseViewLocked(call.args["view"], "modal")
	if err != nil {
		return nil, err
	}
	v.UserID = user
	if err := s.showModalLocked(v, push); err != nil {
		return nil, err
	}
	return map[string]any{"view": s.viewObjectLocked(v)}, nil
}

// showModalLocked opens a modal: on top of the user's stack, or in place of it.
func (s *Server) showModalLocked(v *View, push bool) *apiError {
	for _, other := range s.views {
		if v.ExternalID != "" && other.ExternalID == v.ExternalID {
			return fail("duplicate_external_id")
		}
	}
	v.ID, v.Hash = s.idLocked("V"), s.hashLocked()
	v.RootID = v.ID
	stack := s.stackLocked(v.UserID)
	switch {
	case push && len(stack) == 0:
		return fail("not_found")
	case push && len(stack) >= maxStack:
		return fail("push_limit_reached")
	case push:
		v.RootID, v.PreviousID = stack[0].ID, stack[len(stack)-1].ID
	default:
		s.clearStackLocked(v.UserID)
	}
	s.views = append(s.views, v)
	s.touchLocked()
	return nil
}

func (s *Server) stackLocked(userID string) []*View {
	var stack []*View
	for _, v := range s.views {
		if v.UserID == userID && v.Type == "modal" {
			stack = append(stack, v)
		}
	}
	return stack
}

func (s *Server) clearStackLocked(userID string) {
	s.views = slices.DeleteFunc(s.views, func(v *View) bool { return v.UserID == userID && v.Type == "modal" })
}

func (s *Server) hashLocked() string { return s.stampLocked()[:10] + "." + s.idLocked("h") }

func (s *Server) viewsUpdate(call *apiCall) (map[string]any, *apiError) {
	id, external := call.args["view_id"], call.args["external_id"]
	if id == "" && external == "" {
		return nil, missingArg("view_id")
	}
	var target *View
	for _, v := range s.views {
		if v.Type == "modal" && (v.ID == id || (id == "" && v.ExternalID == external)) {
			target = v
		}
	}
	if target == nil {
		return nil, fail("not_found")
	}
	if hash := call.args["hash"]; hash != "" && hash != target.Hash {
		return nil, fail("hash_conflict")
	}
	v, err := s.parseViewLocked(call.args["view"], "modal")
	if err != nil {
		return nil, err
	}
	s.replaceViewLocked(target, v)
	return map[string]any{"view": s.viewObjectLocked(target)}, nil
}

func (s *Server) replaceViewLocked(target, v *View) {
	v.ID, v.UserID, v.RootID, v.PreviousID, v.Hash = target.ID, target.UserID, target.RootID, target.PreviousID, s.hashLocked()
	v.inherit(target)
	*target = *v
	s.touchLocked()
}

func (s *Server) viewsPublish(call *apiCall) (map[string]any, *apiError) {
	user := call.args["user_id"]
	if user == "" {
		return nil, missingArg("user_id")
	}
	if s.users[user] == nil {
		return nil, &apiError{code: "invalid_arguments", messages: []string{"user_id is not a user of this workspace"}}
	}
	v, err := s.parseViewLocked(call.args["view"], "home")
	if err != nil {
		return nil, err
	}
	for _, old := range s.views {
		if old.UserID == user && old.Type == "home" {
			if hash := call.args["hash"]; hash != "" && hash != old.Hash {
				return nil, fail("hash_conflict")
			}
			s.replaceViewLocked(old, v)
			return map[string]any{"view": s.viewObjectLocked(old)}, nil
		}
	}
	v.ID, v.UserID, v.Hash = s.idLocked("V"), user, s.hashLocked()
	v.RootID = v.ID
	s.views = append(s.views, v)
	s.touchLocked()
	return map[string]any{"view": s.viewObjectLocked(v)}, nil
}

// viewObjectLocked is the view as payloads and answers carry it.
func (s *Server) viewObjectLocked(v *View) map[string]any {
	o := map[string]any{
		"id": v.ID, "team_id": s.opts.TeamID, "type": v.Type, "blocks": v.Blocks, "hash": v.Hash,
		"private_metadata": v.PrivateMetadata, "callback_id": v.CallbackID, "external_id": v.ExternalID,
		"state": map[string]any{"values": v.state()}, "root_view_id": v.RootID, "previous_view_id": v.PreviousID,
		"app_id": s.opts.AppID, "bot_id": s.botID(), "app_installed_team_id": s.opts.TeamID,
		"clear_on_close": v.raw["clear_on_close"] == true, "notify_on_close": v.raw["notify_on_close"] == true,
	}
	for _, key := range []string{"title", "submit", "close"} {
		o[key] = v.raw[key]
	}
	return o
}
