package slacksim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

var conversationReadScopes = []string{"channels:read", "groups:read", "im:read", "mpim:read"}

func (s *Server) authTest(call *apiCall) (map[string]any, *apiError) {
	if call.token == appToken {
		return map[string]any{"app_name": s.opts.BotName, "app_id": s.opts.AppID}, nil
	}
	return map[string]any{
		"url":  fmt.Sprintf("https://%s.slack.com/", s.opts.TeamDomain),
		"team": s.opts.TeamName, "team_id": s.opts.TeamID,
		"user": s.opts.BotName, "user_id": s.opts.BotUserID, "bot_id": s.botID(),
		"is_enterprise_install": false,
	}, nil
}

func (s *Server) usersInfo(call *apiCall) (map[string]any, *apiError) {
	id := call.args["user"]
	if id == "" {
		return nil, missingArg("user")
	}
	u := s.users[id]
	if u == nil || u.Unlisted {
		return nil, fail("user_not_found")
	}
	return map[string]any{"user": userObject(u)}, nil
}

func userObject(u *User) map[string]any {
	zone, label, offset := cmp.Or(u.TZ, "Europe/Amsterdam"), "", 0
	if at, err := time.LoadLocation(zone); err == nil {
		label, offset = time.Unix(1700000000, 0).In(at).Zone()
	}
	return map[string]any{
		"id": u.ID, "team_id": u.TeamID, "name": u.Name, "real_name": u.RealName, "deleted": u.Deleted,
		"color": "9f69e7", "tz": zone, "tz_label": label, "tz_offset": offset,
		"is_bot": u.IsBot, "is_app_user": u.IsAppUser, "is_admin": u.IsAdmin, "is_owner": false, "is_primary_owner": false,
		"is_restricted": u.IsRestricted, "is_ultra_restricted": u.IsUltraRestricted, "is_stranger": u.IsStranger,
		"is_connector_bot": u.IsConnectorBot, "is_workflow_bot": u.IsWorkflowBot, "is_invited_user": u.IsInvitedUser,
		"is_email_confirmed": true, "updated": 1700000000, "locale": "en-US",
		"profile": map[string]any{
			"real_name": u.RealName, "real_name_normalized": u.RealName,
			"display_name": cmp.Or(u.DisplayName, u.Name), "display_name_normalized": cmp.Or(u.DisplayName, u.Name), "team": u.TeamID,
		},
	}
}

func (s *Server) botsInfo(call *apiCall) (map[string]any, *apiError) {
	if call.args["bot"] != s.botID() {
		return nil, fail("bot_not_found")
	}
	return map[string]any{"bot": map[string]any{
		"id": s.botID(), "deleted": false, "name": s.opts.BotName, "updated": 1700000000,
		"app_id": s.opts.AppID, "user_id": s.opts.BotUserID, "icons": map[string]any{},
	}}, nil
}

// readableLocked finds a channel that the bot may look at: one it can see, with
// the read scope of its kind.
func (s *Server) readableLocked(id string) (*Channel, *apiError) {
	if id == "" {
		return nil, missingArg("channel")
	}
	c := s.channels[id]
	if c == nil || (c.hidden() && !c.has(s.opts.BotUserID)) {
		return nil, fail("channel_not_found")
	}
	needed := "channels:read"
	switch {
	case c.IM:
		needed = "im:read"
	case c.Private:
		needed = "groups:read"
	}
	if !s.hasScopeLocked(needed) {
		return nil, &apiError{code: "missing_scope", needed: needed}
	}
	return c, nil
}

func (s *Server) conversationsInfo(call *apiCall) (map[string]any, *apiError) {
	c, err := s.readableLocked(call.args["channel"])
	if err != nil {
		return nil, err
	}
	channel := s.channelObjectLocked(c)
	if call.args.bool("include_num_members") {
		channel["num_members"] = len(c.Members)
	}
	return map[string]any{"channel": channel}, nil
}

func (s *Server) channelObjectLocked(c *Channel) map[string]any {
	o := map[string]any{
		"id": c.ID, "created": 1700000000, "is_im": c.IM, "is_mpim": false, "is_archived": c.Archived,
		"is_private": c.hidden(), "is_shared": c.ExtShared, "is_ext_shared": c.ExtShared, "is_org_shared": false,
		"is_pending_ext_shared": false, "context_team_id": s.opts.TeamID, "updated": 1700000000000,
	}
	if c.IM {
		o["user"] = s.otherInDMLocked(c)
		o["is_user_deleted"] = false
		return o
	}
	o["name"], o["name_normalized"] = c.Name, c.Name
	o["is_channel"], o["is_group"], o["is_general"] = !c.Private, c.Private, false
	o["is_member"] = c.has(s.opts.BotUserID)
	o["creator"] = "U0CREATOR"
	o["topic"] = map[string]any{"value": "", "creator": "", "last_set": 0}
	o["purpose"] = map[string]any{"value": "", "creator": "", "last_set": 0}
	return o
}

func (s *Server) otherInDMLocked(c *Channel) string {
	for _, m := range c.Members {
		if m != s.opts.BotUserID {
			return m
		}
	}
	return ""
}

func (s *Server) conversationsMembers(call *apiCall) (map[string]any, *apiError) {
	c, err := s.readableLocked(call.args["channel"])
	if err != nil {
		return nil, err
	}
	limit := 100
	if text := call.args["limit"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return nil, fail("invalid_limit")
		}
		limit = n
	}
	start := 0
	if cursor := call.args["cursor"]; cursor != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(cursor, "next:"))
		if err != nil || n < 0 || n > len(c.Members) {
			return nil, fail("invalid_cursor")
		}
		start = n
	}
	end := min(start+limit, len(c.Members))
	next := ""
	if end < len(c.Members) {
		next = "next:" + strconv.Itoa(end)
	}
	return map[string]any{
		"members":           append([]string{}, c.Members[start:end]...),
		"response_metadata": map[string]any{"next_cursor": next},
	}, nil
}

func (s *Server) conversationsOpen(call *apiCall) (map[string]any, *apiError) {
	user := call.args["users"]
	if user == "" {
		return nil, fail("users_list_not_supplied")
	}
	if strings.Contains(user, ",") {
		return nil, &apiError{code: "invalid_arguments", messages: []string{"group direct messages are not simulated"}}
	}
	u := s.users[user]
	switch {
	case u == nil:
		return nil, fail("user_not_found")
	case u.Deleted:
		return nil, fail("user_disabled")
	case !s.hasScopeLocked("im:write"):
		return nil, &apiError{code: "missing_scope", needed: "im:write"}
	}
	c, existed := s.directMessageLocked(user)
	s.touchLocked()
	channel := map[string]any{"id": c.ID}
	if call.args.bool("return_im") {
		channel = s.channelObjectLocked(c)
	}
	answer := map[string]any{"channel": channel}
	if existed {
		answer["no_op"], answer["already_open"] = true, true
	}
	return answer, nil
}

func (s *Server) usergroupsList(call *apiCall) (map[string]any, *apiError) {
	groups := []map[string]any{}
	for _, g := range s.usergroups {
		if g.Disabled && !call.args.bool("include_disabled") {
			continue
		}
		o := map[string]any{
			"id": g.ID, "team_id": s.opts.TeamID, "is_usergroup": true, "is_subteam": true, "is_external": false,
			"name": g.Handle, "handle": g.Handle, "description": "", "date_create": 1700000000, "date_update": 1700000000,
			"date_delete": 0, "auto_type": nil, "created_by": "U0CREATOR", "updated_by": "U0CREATOR",
			"prefs": map[string]any{"channels": []string{}, "groups": []string{}},
		}
		if g.Disabled {
			o["date_delete"] = 1700000001
		}
		if call.args.bool("include_users") {
			o["users"] = append([]string{}, g.Members...)
		}
		if call.args.bool("include_count") {
			o["user_count"] = len(g.Members)
		}
		groups = append(groups, o)
	}
	slices.SortFunc(groups, func(a, b map[string]any) int { return cmp.Compare(str(a["id"]), str(b["id"])) })
	return map[string]any{"usergroups": groups}, nil
}

func (s *Server) usergroupsUsersList(call *apiCall) (map[string]any, *apiError) {
	id := call.args["usergroup"]
	if id == "" {
		return nil, missingArg("usergroup")
	}
	g := s.usergroups[id]
	if g == nil || (g.Disabled && !call.args.bool("include_disabled")) {
		return nil, fail("no_such_subteam")
	}
	return map[string]any{"users": append([]string{}, g.Members...)}, nil
}
