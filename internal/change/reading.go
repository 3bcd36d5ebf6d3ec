package change

import (
	"context"
	"time"

	"autoscalebot/internal/baseten"
)

// reading keeps of what was read what the card shows.
func (s *Service) reading(ctx context.Context, r *Request, f baseten.Resolved) Reading {
	out := Reading{At: f.ReadAt, Settings: f.Settings()}
	if d := f.Deployment; d != nil {
		out.Status, out.Replicas = d.Status, d.ActiveReplicas
	}
	shown := *r
	shown.Reading = out
	if touchesReplicas(r.Ask.Settings) || s.policy().UsesCost() {
		out.Cost = s.cost(ctx, &shown, f, pricesWithin)
	}
	out.Notes = notes(r, f, s.cfg.Now())
	return out
}

// pricesWithin bounds how long a card waits for list prices that are not cached.
const pricesWithin = 2 * time.Second

func touchesReplicas(touched baseten.Settings) bool {
	_, least := touched[baseten.MinReplica]
	_, most := touched[baseten.MaxReplica]
	return least || most
}

// cost is the list price before and after, nil where it is not known. Of what was
// read only the instance type counts; the settings are the request's.
func (s *Service) cost(ctx context.Context, r *Request, f baseten.Resolved, wait time.Duration) *Cost {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	list, err := s.prices.List(ctx)
	if err != nil {
		return nil
	}
	name, id := "", ""
	if f.Environment != nil {
		name, id = f.Environment.InstanceType.Name, f.Environment.InstanceType.ID
	} else if f.Deployment != nil {
		name = f.Deployment.InstanceType
	}
	perHour, ok := list.PerHour(name, id)
	if !ok {
		return nil
	}
	var c Cost
	var before, after bool
	c.FloorBefore, c.CeilingBefore, before = baseten.HourlyCost(r.Reading.Settings, perHour)
	c.FloorAfter, c.CeilingAfter, after = baseten.HourlyCost(r.After(), perHour)
	if !before || !after {
		return nil
	}
	return &c
}

// reread reads exactly the object that the request writes.
func (s *Service) reread(ctx context.Context, t Target) (baseten.Resolved, error) {
	old := baseten.Resolved{ModelID: t.ModelID, Serves: t.Serves, Promoting: t.Promoting, Development: t.Development}
	if t.Environment != "" {
		old.Environment = &baseten.Environment{Name: t.Environment}
	}
	if t.DeploymentID != "" {
		old.Deployment = &baseten.Deployment{ID: t.DeploymentID, Name: t.DeploymentName, Environment: t.Serves}
	}
	return old.Reread(ctx, s.api)
}
