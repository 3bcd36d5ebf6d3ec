package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"go.uber.org/zap/zapcore"

	"autoscalebot/internal/app"
	"autoscalebot/internal/observe"
)

// grammar is the command line.
type grammar struct {
	Run   runCommand   `cmd:"" default:"1" help:"Run the bot until it is told to stop (the default)."`
	Check checkCommand `cmd:"" help:"Prove a set-up: tokens, scopes, policy, people, channels, database. Works beside a running bot."`

	Migrate migrateCommand `cmd:"" help:"Make or alter the database's tables and end. Needs DATABASE_URL only: that of the role which owns them, where the bot's own may not."`

	Policy struct {
		Test    policyTestCommand    `cmd:"" help:"Load a policy file and run the tests in it."`
		Lint    policyLintCommand    `cmd:"" help:"Tell what in a policy file has no effect: rules that never decide, approvals that nobody can give, groups that nothing names."`
		Explain policyExplainCommand `cmd:"" help:"Tell rule by rule what a policy file decides about a made-up request."`
	} `cmd:"" help:"Try a policy file out. Needs no configuration."`

	Audit struct {
		Verify auditVerifyCommand `cmd:"" help:"Prove that nobody altered the audit log, or tell where. Needs DATABASE_URL only; works beside a running bot."`
		Export auditExportCommand `cmd:"" help:"Write the audit log to standard output. Needs DATABASE_URL only; works beside a running bot."`
	} `cmd:"" help:"Read the audit log."`

	Backup backupCommand `cmd:"" help:"Write the whole database, as it is at one moment, into a new SQLite file, and look it through. Needs DATABASE_URL only; works beside a running bot."`
	Copy   copyCommand   `cmd:"" help:"Copy the whole database into another, empty one, between SQLite and PostgreSQL or within one of them. No bot may run on either. Needs no configuration."`

	Version versionCommand   `cmd:"" help:"Print the version."`
	AsFlag  kong.VersionFlag `name:"version" help:"Print the version."`
}

// command is one of the grammar's commands, with its arguments.
type command interface{ Run(p *process) error }

// process is what a command may use of the outside.
type process struct {
	ctx            context.Context //nolint:containedctx // lives as long as the command
	env            map[string]string
	stdout, stderr io.Writer
}

// Failures of which the output, or the log, has told already: errToldUsage is one of the
// configuration.
var (
	errTold      = errors.New("failed")
	errToldUsage = errors.New("wrong configuration")
)

// parse finds the command that is meant. Without one it returns the exit code.
func parse(args []string, stdout, stderr io.Writer) (command, int, error) {
	var g grammar
	exit := -1
	parser, err := kong.New(&g, kong.Name("bot"), kong.Writers(stdout, stderr), kong.Vars{"version": thisVersion()},
		kong.Description("Change the autoscaling of Baseten deployments from Slack."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(code int) { exit = code }))
	if err != nil {
		return nil, exitFailed, err
	}
	chosen, err := parser.Parse(args)
	switch {
	case exit >= 0: // help was asked for and given
		return nil, exit, nil
	case err != nil:
		return nil, exitUsage, err
	}
	c, ok := chosen.Selected().Target.Addr().Interface().(command)
	if !ok {
		return nil, exitFailed, fmt.Errorf("%s does nothing", chosen.Command())
	}
	return c, 0, nil
}

type runCommand struct{}

func (*runCommand) Run(p *process) error {
	// A terminal that closes, and scripts that mean "read your configuration again", send
	// it: the policy and the files of secrets are read again by themselves.
	signal.Ignore(syscall.SIGHUP)
	cfg, err := app.LoadConfig(p.env)
	if err != nil {
		p.log(cfg.LogFormat, err)
		return errToldUsage
	}
	if err := app.Run(p.ctx, cfg, app.Options{Version: thisVersion(), Log: p.stderr}); err != nil {
		p.log(cfg.LogFormat, err)
		return errTold
	}
	return nil
}

// log says why the bot does not run, in the format of its log, which programs read: a
// line for each problem.
func (p *process) log(format string, err error) {
	secrets := observe.NewRedactor(p.env["SLACK_BOT_TOKEN"], p.env["SLACK_APP_TOKEN"], p.env["BASETEN_API_KEY"])
	log, bad := observe.NewLogger("error", format, zapcore.AddSync(p.stderr), secrets)
	if bad != nil { // the format is one of the problems
		log, _ = observe.NewLogger("error", "json", zapcore.AddSync(p.stderr), secrets)
	}
	problems := []error{err}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		problems = several.Unwrap()
	}
	for _, problem := range problems {
		log.Error(problem.Error())
	}
}

type checkCommand struct {
	Strict bool `help:"Fail on warnings too."`
	JSON   bool `name:"json" help:"One JSON object a line for each check: check (a name that stays), result (ok, warn or fail) and text."`
}

func (c *checkCommand) Run(p *process) error {
	if !app.Check(p.ctx, p.env, thisVersion(), app.CheckOptions{Strict: c.Strict, JSON: c.JSON}, p.stdout) {
		return errTold
	}
	return nil
}

type migrateCommand struct{}

func (*migrateCommand) Run(p *process) error { return app.Migrate(p.ctx, p.env, p.stdout) }

type policyTestCommand struct {
	File string `arg:"" help:"Policy file (YAML)."`
}

func (c *policyTestCommand) Run(p *process) error {
	err := app.PolicyTest(p.stdout, c.File)
	if errors.Is(err, app.ErrPolicyTests) {
		return errTold
	}
	return err
}

type policyLintCommand struct {
	File string `arg:"" help:"Policy file (YAML)."`
}

func (c *policyLintCommand) Run(p *process) error {
	err := app.PolicyLint(p.stdout, c.File)
	if errors.Is(err, app.ErrPolicyLint) {
		return errTold
	}
	return err
}

type policyExplainCommand struct {
	File       string   `arg:"" help:"Policy file (YAML)."`
	Command    string   `arg:"" help:"What is typed, without /autoscale: \"llama-70b production max=7\"."`
	As         string   `required:"" placeholder:"U…" help:"Slack user ID of who asks."`
	Groups     []string `placeholder:"NAME" help:"Groups of the policy that the person is in, besides those that list the ID."`
	Channel    string   `placeholder:"C…" help:"Slack channel ID (default: the policy's first)."`
	Before     string   `placeholder:"min=1,max=4" help:"Settings in force; those left out are null."`
	Cost       string   `placeholder:"floor_after=4.5" help:"USD per hour: floor_before, floor_after, ceiling_before, ceiling_after; those left out are unknown."`
	Deployment bool     `help:"The target is a deployment (default: an environment)."`
	Serves     string   `placeholder:"ENVIRONMENT" help:"Environment that the deployment serves."`
}

func (c *policyExplainCommand) Run(p *process) error {
	return app.PolicyExplain(p.stdout, app.Explain{
		File: c.File, As: c.As, Groups: c.Groups, Channel: c.Channel, Before: c.Before, Cost: c.Cost,
		Deployment: c.Deployment, Serves: c.Serves, Command: c.Command, Now: time.Now(),
	})
}

type auditVerifyCommand struct {
	Head string `placeholder:"SEQ:HASH" help:"A head that was kept elsewhere, as the bot logs it: the log has to hold it. This finds an end that was cut off, or written anew, together with the database's own head."`
}

func (c *auditVerifyCommand) Run(p *process) error {
	err := app.VerifyAudit(p.ctx, p.env, p.stdout, c.Head)
	if errors.Is(err, app.ErrAuditBroken) {
		return errTold
	}
	return err
}

type auditExportCommand struct {
	Since   string `placeholder:"WHEN" help:"Only events from then on: 2026-05-01, 2026-05-01T09:30:00Z, or 24h or 7d for so long ago."`
	Until   string `placeholder:"WHEN" help:"Only events before then."`
	Model   string `placeholder:"MODEL" help:"Only what is about this model, by ID or by its name at the time: whole requests."`
	User    string `placeholder:"U…" help:"Only what this person asked for or took part in, by Slack ID or by the name at the time: whole requests."`
	Request string `placeholder:"ID" help:"Only this request."`
	Format  string `enum:"jsonl,csv" default:"jsonl" help:"jsonl (everything, as it is) or csv (for spreadsheets: one column for each fact; settings have values where the change asks for them; text that begins like a formula gets an apostrophe)."`
}

func (c *auditExportCommand) Run(p *process) error {
	return app.ExportAudit(p.ctx, p.env, p.stdout, app.Audit{
		Since: c.Since, Until: c.Until, Model: c.Model, User: c.User, Request: c.Request, Format: c.Format, Now: time.Now(),
	})
}

type backupCommand struct {
	File string `arg:"" help:"New file. Restore it by naming it in DATABASE_URL (sqlite:FILE), or with bot copy."`
}

func (c *backupCommand) Run(p *process) error {
	err := app.Backup(p.ctx, p.env, p.stdout, c.File)
	if errors.Is(err, app.ErrAuditBroken) {
		return errTold
	}
	return err
}

type copyCommand struct {
	From string `required:"" placeholder:"URL" help:"What to copy: sqlite:PATH or postgres://…. It stays as it is."`
	To   string `required:"" placeholder:"URL" help:"The empty database to copy into; a SQLite file and tables are made."`
}

func (c *copyCommand) Run(p *process) error { return app.Copy(p.ctx, p.stdout, c.From, c.To) }

type versionCommand struct{}

func (*versionCommand) Run(p *process) error {
	_, err := fmt.Fprintln(p.stdout, thisVersion())
	return err
}

func thisVersion() string {
	build, _ := debug.ReadBuildInfo()
	return versionOf(version, build)
}
