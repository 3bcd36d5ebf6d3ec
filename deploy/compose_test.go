package deploy_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

func compose(t *testing.T, env map[string]string) (*types.Project, error) {
	t.Helper()
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: ".", Environment: env,
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: []byte(read(t, "compose.yaml"))}},
	}, func(o *loader.Options) { o.SkipResolveEnvironment = true }) // bot.env is the operator's
}

func TestCompose(t *testing.T) {
	if _, err := compose(t, nil); err == nil || !strings.Contains(err.Error(), "POSTGRES_PASSWORD") {
		t.Errorf("without a password: %v", err)
	}
	project, err := compose(t, map[string]string{"POSTGRES_PASSWORD": "0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	bot, db := project.Services["bot"], project.Services["db"]

	address, err := url.Parse(*bot.Environment["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	password, _ := address.User.Password()
	same(t, "host of the database", address.Hostname(), db.Name)
	same(t, "name of the database", strings.TrimPrefix(address.Path, "/"), *db.Environment["POSTGRES_DB"])
	same(t, "user of the database", address.User.Username(), *db.Environment["POSTGRES_USER"])
	same(t, "password of the database", password, *db.Environment["POSTGRES_PASSWORD"])
	same(t, "the bot waits until the database", bot.DependsOn[db.Name].Condition, types.ServiceConditionHealthy)
	if db.HealthCheck == nil || len(db.Ports) > 0 {
		t.Errorf("the database has health check %v and ports %v", db.HealthCheck, db.Ports)
	}
	for name := range db.Networks {
		if _, shared := bot.Networks[name]; !shared || !project.Networks[name].Internal {
			t.Errorf("network %s: the bot is in it: %v; internal: %v", name, shared, project.Networks[name].Internal)
		}
	}
	if len(bot.Networks) < 2 {
		t.Error("the bot reaches no Slack")
	}
	for _, port := range bot.Ports {
		same(t, "address of /metrics", port.HostIP, "127.0.0.1")
		same(t, "port of /metrics", *bot.Environment["HTTP_ADDR"], ":"+port.Published)
	}
	if !bot.ReadOnly || !slices.Contains(bot.CapDrop, "ALL") || !slices.Contains(bot.SecurityOpt, "no-new-privileges:true") || bot.Privileged {
		t.Error("the bot may do more than it needs")
	}
	for name, value := range bot.Environment {
		if strings.HasPrefix(name, "SLACK_") || strings.HasPrefix(name, "BASETEN_") {
			t.Errorf("%s stands in the file: %v", name, value)
		}
	}
}
