// Package autoscalebot_test checks the files at the root of the project that are
// no Go code.
package autoscalebot_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"autoscalebot/internal/slackbot/view"
)

// manifest is the part of manifest.yaml that the bot's code depends on.
type manifest struct {
	Features struct {
		Shortcuts []struct {
			Type       string `yaml:"type"`
			CallbackID string `yaml:"callback_id"`
		} `yaml:"shortcuts"`
	} `yaml:"features"`
	OAuthConfig struct {
		Scopes struct {
			Bot         []string `yaml:"bot"`
			BotOptional []string `yaml:"bot_optional"`
		} `yaml:"scopes"`
	} `yaml:"oauth_config"`
	Settings struct {
		EventSubscriptions struct {
			BotEvents []string `yaml:"bot_events"`
		} `yaml:"event_subscriptions"`
	} `yaml:"settings"`
}

func readManifest(t *testing.T) (text []byte, m manifest) {
	t.Helper()
	text, err := os.ReadFile("manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return text, m
}

// check validates a manifest against our schema of what it may hold.
func check(t *testing.T, text []byte) error {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("testdata/manifest.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(asJSON)))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}

func TestManifestIsValid(t *testing.T) {
	text, _ := readManifest(t)
	if err := check(t, text); err != nil {
		t.Error(err)
	}
}

// The schema must refuse what Slack would refuse, or the test above says nothing.
func TestManifestSchemaRefuses(t *testing.T) {
	text, _ := readManifest(t)
	for _, test := range []struct{ name, old, spoilt string }{
		{"unknown key", "always_online:", "always_onlin:"},
		{"command without slash", "command: /autoscale", "command: autoscale"},
		{"long name", "name: Autoscale Bot", "name: " + strings.Repeat("x", 36)},
		{"long name of a shortcut", "name: Change Autoscaling\n      type: global", "name: " + strings.Repeat("x", 25) + "\n      type: global"},
		{"shortcut on nothing", "type: message", "type: file"},
		{"scope that is no word", "- commands #", "- 7 #"},
		{"interactivity without a word on it", "is_enabled:", "request_url: https://x.example #"},
	} {
		t.Run(test.name, func(t *testing.T) {
			spoilt := strings.Replace(string(text), test.old, test.spoilt, 1)
			if spoilt == string(text) {
				t.Fatalf("the manifest does not hold %q", test.old)
			}
			if err := check(t, []byte(spoilt)); err == nil {
				t.Errorf("accepted with %q in place of %q", test.spoilt, test.old)
			}
		})
	}
}

// Each event needs its scope, or Slack never sends it
// (docs.slack.dev/reference/events, "Required scopes").
func TestManifestEventsHaveTheirScopes(t *testing.T) {
	needs := map[string]string{
		"app_home_opened":         "",
		"app_mention":             "app_mentions:read",
		"subteam_members_changed": "usergroups:read",
		"user_change":             "users:read",
		"tokens_revoked":          "",
		"app_uninstalled":         "",
	}
	_, m := readManifest(t)
	for _, event := range m.Settings.EventSubscriptions.BotEvents {
		scope, known := needs[event]
		if !known {
			t.Errorf("event %s: nothing in the bot handles it", event)
		}
		if scope != "" && !slices.Contains(m.OAuthConfig.Scopes.Bot, scope) {
			t.Errorf("event %s needs the scope %s", event, scope)
		}
		delete(needs, event)
	}
	for event := range needs {
		t.Errorf("event %s is not subscribed", event)
	}
}

// The bot serves the shortcuts by their callback IDs.
func TestManifestShortcuts(t *testing.T) {
	_, m := readManifest(t)
	want := map[string]string{view.ShortcutGlobal: "global", view.ShortcutMessage: "message"}
	got := make(map[string]string)
	for _, s := range m.Features.Shortcuts {
		got[s.CallbackID] = s.Type
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shortcuts (-want +got):\n%s", diff)
	}
}

// The scopes are the least that the bot can do with: a further one is a decision,
// taken here and written down in the manifest with its reason.
func TestManifestScopes(t *testing.T) {
	text, m := readManifest(t)
	required := []string{"commands", "chat:write", "app_mentions:read", "users:read", "usergroups:read", "channels:read", "groups:read"}
	optional := []string{"chat:write.public", "im:write"}

	// Slack wants an optional scope in both lists.
	if diff := cmp.Diff(slices.Concat(required, optional), m.OAuthConfig.Scopes.Bot); diff != "" {
		t.Errorf("bot scopes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(optional, m.OAuthConfig.Scopes.BotOptional); diff != "" {
		t.Errorf("optional bot scopes (-want +got):\n%s", diff)
	}
	// The README says what each is for.
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| ((?:`[a-z_.]+:[a-z_.]+`|`commands`)[^|]*) \\|").FindAllStringSubmatch(string(readme), -1) {
		for _, scope := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			told = append(told, scope[1])
			if slices.Contains(optional, scope[1]) != strings.Contains(row[1], "(optional)") {
				t.Errorf("the README tells otherwise whether %s is optional", scope[1])
			}
		}
	}
	wanted := slices.Clone(m.OAuthConfig.Scopes.Bot)
	slices.Sort(told)
	slices.Sort(wanted)
	if diff := cmp.Diff(wanted, told); diff != "" {
		t.Errorf("scopes in the README (-want +got):\n%s", diff)
	}
	for _, scope := range m.OAuthConfig.Scopes.Bot {
		if !regexp.MustCompile(`(?m)^ *- ` + regexp.QuoteMeta(scope) + ` # \S`).Match(text) {
			t.Errorf("scope %s: no comment says what it is for", scope)
		}
	}
}
