package baseten

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Resolved is one target: the object whose settings a PATCH writes, and how it
// stands among the others. It is shared: nobody may write to what it points to.
type Resolved struct {
	ModelID string
	// Model is the model as it was named in the reading.
	Model Model
	// Environment is set when the environment is what is written.
	Environment *Environment
	// Deployment is what is written when Environment is nil; otherwise the
	// deployment that serves the environment, nil if none does.
	Deployment *Deployment
	// Serves is the environment that Deployment serves, "" if none.
	Serves string
	// In is that environment where Deployment is what is written, as the reading has
	// it: its schedules rewrite the deployment too. Nil if it is not known.
	In *Environment
	// Promoting holds the other environments that Deployment is on its way into,
	// or that one of Baseten's two lists, but not the other, says it serves.
	Promoting []string
	// Development marks the development deployment, whose replicas are fixed.
	Development bool
	// ReadAt, Stale and Err are those of the reading.
	ReadAt time.Time
	Stale  bool
	Err    error
}

// Kind is TargetEnvironment or TargetDeployment.
func (r Resolved) Kind() string {
	if r.Environment != nil {
		return TargetEnvironment
	}
	return TargetDeployment
}

// Settings are those of the object that the PATCH writes. Nil means that they are
// not known: a deployment has none until it is deployed, or see Unreadable.
func (r Resolved) Settings() Settings {
	switch {
	case r.Environment != nil:
		return r.Environment.Settings
	case r.Deployment != nil:
		return r.Deployment.Settings
	default:
		return nil
	}
}

// Unreadable says why settings that Baseten does have could not be read, else "".
func (r Resolved) Unreadable() string {
	switch {
	case r.Environment != nil:
		return r.Environment.Unreadable
	case r.Deployment != nil:
		return r.Deployment.Unreadable
	default:
		return ""
	}
}

// Schedules are those that rewrite the target's settings, nil if there are none.
func (r Resolved) Schedules() *Schedules {
	env := cmp.Or(r.Environment, r.In)
	if env == nil {
		return nil
	}
	return env.Schedules
}

// Update sends the PATCH for this target.
func (r Resolved) Update(ctx context.Context, client *Client, touched Settings) (Answer, error) {
	if r.Environment != nil {
		return client.UpdateEnvironment(ctx, r.ModelID, r.Environment.Name, touched)
	}
	if r.Deployment == nil {
		return Answer{}, invalid("update_deployment", "no target")
	}
	return client.UpdateDeployment(ctx, r.ModelID, r.Deployment.ID, touched)
}

// Reread reads that one object again, with a single GET, to be compared before the
// PATCH. What only the lists tell stays as it was: Promoting, and Serves of a
// deployment whose environment did not change.
func (r Resolved) Reread(ctx context.Context, client *Client) (Resolved, error) {
	at := client.cfg.Now()
	switch {
	case r.Environment != nil:
		env, err := client.Environment(ctx, r.ModelID, r.Environment.Name)
		if err != nil {
			return Resolved{}, err
		}
		moved := env.Current == nil || r.Deployment == nil || env.Current.ID != r.Deployment.ID
		r.Environment, r.Deployment = &env, env.Current
		r.Serves, r.Development = "", false
		if env.Current != nil {
			r.Serves, r.Development = env.Name, env.Current.Development
		}
		if moved {
			r.Promoting = nil
		}
	case r.Deployment != nil:
		dep, err := client.Deployment(ctx, r.ModelID, r.Deployment.ID)
		if err != nil {
			return Resolved{}, err
		}
		r.place(&dep)
	default:
		return Resolved{}, invalid("deployment", "no target")
	}
	r.ReadAt, r.Stale, r.Err = at, false, nil
	return r, nil
}

// place takes d as the newer form of the deployment that is the target.
func (r *Resolved) place(d *Deployment) {
	old := r.Deployment
	r.Deployment, r.Development = d, d.Development
	in := d.environment()
	if in == old.environment() && d.Production == old.Production {
		return
	}
	if in == "production" && !d.Production && slices.Contains(r.Promoting, in) {
		return // it names its goal, but does not serve it yet
	}
	r.Serves, r.In = in, nil
	r.Promoting = slices.DeleteFunc(slices.Clone(r.Promoting), func(env string) bool { return env == in })
}

// environment is where the deployment says it is.
func (d *Deployment) environment() string {
	if d.Environment == "" && d.Production {
		return "production"
	}
	return d.Environment
}
