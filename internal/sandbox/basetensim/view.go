package basetensim

import (
	"strings"
	"time"
)

// view renders the world for one read. If the read is stale, settings show as
// they were before their last change.
type view struct {
	s     *Server
	stale *Fault
}

func (s *Server) view(req *request) view {
	if req.stale == nil {
		return view{s: s}
	}
	return view{s, &req.stale.fault}
}

// misses reports whether a change made at that time is still unseen.
func (v view) misses(changedAt time.Time) bool {
	return v.stale != nil && (v.stale.Delay <= 0 || v.s.opts.Now().Before(changedAt.Add(v.stale.Delay)))
}

func (v view) team(t *team) teamV1 {
	return teamV1{t.id, t.name, t.isDefault, t.created.UTC()}
}

func (v view) instanceType(id string) instanceTypeV1 {
	t := v.s.instanceType(id)
	out := instanceTypeV1{ID: t.ID, Name: t.Name, MemoryLimitMiB: t.MemoryMiB, MillicpuLimit: t.MilliCPU, GPUCount: t.GPUs}
	if t.GPU != "" {
		out.GPUType = &t.GPU
	}
	if t.GPUMemoryMiB > 0 {
		out.GPUMemoryLimitMiB = &t.GPUMemoryMiB
	}
	return out
}

func (v view) model(m *model) modelV1 {
	out := modelV1{
		ID: m.id, CreatedAt: m.created.UTC(), Name: m.name, DeploymentsCount: len(m.deployments),
		InstanceTypeName: v.s.instanceType(m.instanceType).Name, TeamName: m.team.name,
	}
	if d := m.production(); d != nil {
		out.ProductionDeploymentID = &d.id
		out.InstanceTypeName = v.s.instanceType(d.instanceType).Name
	}
	if d := m.development(); d != nil {
		out.DevelopmentDeploymentID = &d.id
	}
	return out
}

func (v view) deployment(d *deployment) deploymentV1 {
	out := deploymentV1{
		ID: d.id, CreatedAt: d.created.UTC(), Name: d.name, ModelID: d.model.id,
		IsProduction: d.env != nil && d.env.name == production, IsDevelopment: d.development,
		Status: d.status(), ActiveReplicaCount: d.replicas,
		InstanceTypeName: new(v.s.instanceType(d.instanceType).Name),
	}
	settings := d.settings
	if d.old != nil && v.misses(d.old.changedAt) {
		settings = d.old.value
	}
	if settings != nil {
		out.AutoscalingSettings = new(*settings)
	}
	if d.env != nil {
		out.Environment = new(d.env.name)
	}
	return out
}

func (v view) environment(e *environment) environmentV1 {
	out := environmentV1{
		Name: e.name, CreatedAt: e.created.UTC(), ModelID: e.model.id,
		AutoscalingSettings: e.settings,
		// The spec's defaults.
		PromotionSettings: promotionSettingsV1{PromotionCleanupStrategy: "SCALE_TO_ZERO", RampUpDurationSeconds: 600},
		InstanceType:      v.instanceType(e.model.instanceType),
	}
	if e.old != nil && v.misses(e.old.changedAt) {
		out.AutoscalingSettings = e.old.value
	}
	if e.current != nil {
		out.CurrentDeployment = new(v.deployment(e.current))
		out.InstanceType = v.instanceType(e.current.instanceType)
	}
	if e.candidate != nil {
		out.CandidateDeployment = new(v.deployment(e.candidate))
		out.InProgressPromotion = &promotionV1{
			Status: e.promotion.Status, PercentTrafficToNewVersion: e.promotion.Percent, RollingDeploy: new(false),
		}
	}
	if e.schedules != nil {
		out.AutoscalingSchedules = v.schedules(e)
	}
	return out
}

func (v view) schedules(e *environment) *schedulesV1 {
	out := &schedulesV1{Schedules: []scheduleV1{}}
	if len(e.schedules.List) > 0 {
		out.Timezone = new(e.schedules.Timezone)
	}
	for _, sc := range e.schedules.List {
		out.Schedules = append(out.Schedules, v.schedule(sc))
	}
	if d := e.current; d != nil && d.settings != nil {
		out.AppliedState = &scheduleStateV1{AutoscalingSettings: *d.settings}
		if sc := e.schedules.active(); sc != nil {
			out.AppliedState.ScheduleID = new(sc.ID)
		}
	}
	return out
}

func (v view) schedule(sc Schedule) scheduleV1 {
	override := func(name string) *int {
		if value, ok := sc.Settings[name]; ok {
			return &value
		}
		return nil
	}
	out := scheduleV1{
		ID: sc.ID, Name: sc.Name, Enabled: !sc.Disabled,
		AutoscalingSettings: scheduleSettingsV1{
			MinReplica:                  sc.Settings["min_replica"],
			MaxReplica:                  sc.Settings["max_replica"],
			AutoscalingWindow:           override("autoscaling_window"),
			ScaleDownDelay:              override("scale_down_delay"),
			ConcurrencyTarget:           override("concurrency_target"),
			TargetUtilizationPercentage: override("target_utilization_percentage"),
			TargetInFlightTokens:        override("target_in_flight_tokens"),
			MaxScaleDownRate:            override("max_scale_down_rate"),
		},
	}
	if !sc.StartAt.IsZero() {
		out.Cadence = "ONE_TIME"
		out.StartAt, out.EndAt = &sc.StartAt, &sc.EndAt
		return out
	}
	out.Cadence = "DAILY"
	for day := time.Monday; day <= time.Saturday+1; day++ {
		if sc.on(day % 7) {
			out.Weekdays = append(out.Weekdays, strings.ToUpper((day % 7).String()))
		}
	}
	out.StartMinute, out.EndMinute = &sc.StartMinute, &sc.EndMinute
	if sc.Hourly {
		out.Cadence = "HOURLY"
	}
	if !sc.Hourly || sc.StartHour != sc.EndHour {
		out.StartHour, out.EndHour = &sc.StartHour, &sc.EndHour
	}
	return out
}
