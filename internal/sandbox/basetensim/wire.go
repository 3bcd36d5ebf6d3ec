package basetensim

import "time"

// The types of this file are the answers of the published spec. Every property
// that the spec knows is written, null where it may be null, because a client
// must be able to read them all.

type teamV1 struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Default   bool      `json:"default"`
	CreatedAt time.Time `json:"created_at"`
}

type userInfoV1 struct {
	UserID        string  `json:"user_id"`
	Email         *string `json:"email"`
	Name          *string `json:"name"`
	WorkspaceName *string `json:"workspace_name"`
}

type instanceTypeV1 struct {
	ID                string  `json:"id"`
	Name              string  `json:"name"`
	MemoryLimitMiB    int     `json:"memory_limit_mib"`
	MillicpuLimit     int     `json:"millicpu_limit"`
	GPUCount          int     `json:"gpu_count"`
	GPUType           *string `json:"gpu_type"`
	GPUMemoryLimitMiB *int    `json:"gpu_memory_limit_mib"`
}

type instanceTypeWithPriceV1 struct {
	InstanceType instanceTypeV1 `json:"instance_type"`
	Price        float64        `json:"price"` // USD per minute
}

type modelV1 struct {
	ID                      string    `json:"id"`
	CreatedAt               time.Time `json:"created_at"`
	Name                    string    `json:"name"`
	DeploymentsCount        int       `json:"deployments_count"`
	ProductionDeploymentID  *string   `json:"production_deployment_id"`
	DevelopmentDeploymentID *string   `json:"development_deployment_id"`
	InstanceTypeName        string    `json:"instance_type_name"`
	TeamName                string    `json:"team_name"`
}

type deploymentV1 struct {
	ID                          string         `json:"id"`
	CreatedAt                   time.Time      `json:"created_at"`
	Name                        string         `json:"name"`
	ModelID                     string         `json:"model_id"`
	IsProduction                bool           `json:"is_production"`
	IsDevelopment               bool           `json:"is_development"`
	Status                      string         `json:"status"`
	ActiveReplicaCount          int            `json:"active_replica_count"`
	AutoscalingSettings         *Settings      `json:"autoscaling_settings"`
	InstanceTypeName            *string        `json:"instance_type_name"`
	Environment                 *string        `json:"environment"`
	Labels                      map[string]any `json:"labels"`
	Region                      *regionV1      `json:"region"`
	RequestBackpressureSettings backpressureV1 `json:"request_backpressure_settings"`
}

type regionV1 struct {
	Slug        string `json:"slug"`
	DisplayName string `json:"display_name"`
}

type backpressureV1 struct {
	Policy *string `json:"policy"`
}

type environmentV1 struct {
	Name                        string              `json:"name"`
	CreatedAt                   time.Time           `json:"created_at"`
	ModelID                     string              `json:"model_id"`
	CurrentDeployment           *deploymentV1       `json:"current_deployment"`
	CandidateDeployment         *deploymentV1       `json:"candidate_deployment"`
	InProgressPromotion         *promotionV1        `json:"in_progress_promotion"`
	AutoscalingSettings         Settings            `json:"autoscaling_settings"`
	PromotionSettings           promotionSettingsV1 `json:"promotion_settings"`
	InstanceType                instanceTypeV1      `json:"instance_type"`
	RequestBackpressureSettings backpressureV1      `json:"request_backpressure_settings"`
	AutoscalingSchedules        *schedulesV1        `json:"autoscaling_schedules"`
}

type promotionV1 struct {
	Status                     string  `json:"status"`
	PercentTrafficToNewVersion int     `json:"percent_traffic_to_new_version"`
	ErrorMessage               *string `json:"error_message"`
	RollingDeploy              *bool   `json:"rolling_deploy"`
}

type promotionSettingsV1 struct {
	RedeployOnPromotion      bool    `json:"redeploy_on_promotion"`
	RollingDeploy            bool    `json:"rolling_deploy"`
	PromotionCleanupStrategy string  `json:"promotion_cleanup_strategy"`
	RollingDeployConfig      *string `json:"rolling_deploy_config"` // never set here
	RampUpWhilePromoting     bool    `json:"ramp_up_while_promoting"`
	RampUpDurationSeconds    int     `json:"ramp_up_duration_seconds"`
}

type schedulesV1 struct {
	Timezone     *string          `json:"timezone"`
	Schedules    []scheduleV1     `json:"schedules"`
	AppliedState *scheduleStateV1 `json:"applied_state"`
}

// scheduleV1 is either kind of schedule; the other kind's properties are left
// out, as the spec's oneTime and recurring forms do.
type scheduleV1 struct {
	ID                  string             `json:"id"`
	Name                string             `json:"name"`
	Enabled             bool               `json:"enabled"`
	Cadence             string             `json:"cadence"`
	Weekdays            []string           `json:"weekdays,omitempty"`
	StartHour           *int               `json:"start_hour,omitempty"`
	StartMinute         *int               `json:"start_minute,omitempty"`
	EndHour             *int               `json:"end_hour,omitempty"`
	EndMinute           *int               `json:"end_minute,omitempty"`
	StartAt             *time.Time         `json:"start_at,omitempty"`
	EndAt               *time.Time         `json:"end_at,omitempty"`
	AutoscalingSettings scheduleSettingsV1 `json:"autoscaling_settings"`
}

type scheduleSettingsV1 struct {
	MinReplica                  int  `json:"min_replica"`
	MaxReplica                  int  `json:"max_replica"`
	AutoscalingWindow           *int `json:"autoscaling_window"`
	ScaleDownDelay              *int `json:"scale_down_delay"`
	ConcurrencyTarget           *int `json:"concurrency_target"`
	TargetUtilizationPercentage *int `json:"target_utilization_percentage"`
	TargetInFlightTokens        *int `json:"target_in_flight_tokens"`
	MaxScaleDownRate            *int `json:"max_scale_down_rate"`
}

type scheduleStateV1 struct {
	ScheduleID          *string  `json:"schedule_id"`
	AutoscalingSettings Settings `json:"autoscaling_settings"`
}

// patchAnswer is UpdateAutoscalingSettingsResponseV1 and, with the environment,
// UpdateEnvironmentResponseV1.
type patchAnswer struct {
	Environment *environmentV1 `json:"environment,omitempty"`
	Status      string         `json:"status,omitempty"`
	Message     string         `json:"message,omitempty"`
}

type auditLogsV1 struct {
	Items      []auditEntryV1 `json:"items"`
	Pagination paginationV1   `json:"pagination"`
}

type paginationV1 struct {
	HasMore bool    `json:"has_more"`
	Cursor  *string `json:"cursor"`
}

type auditEntryV1 struct {
	ID              string         `json:"id"`
	Created         time.Time      `json:"created"`
	EventType       string         `json:"event_type"`
	EventData       map[string]any `json:"event_data"` // by event_type
	Source          *string        `json:"source"`
	Actor           auditActorV1   `json:"actor"`
	ClientName      *string        `json:"client_name"`
	ClientVersion   *string        `json:"client_version"`
	ClientSessionID *string        `json:"client_session_id"` // never set here
}

type auditActorV1 struct {
	Type         string  `json:"type"`
	Email        *string `json:"email"`
	APIKeyPrefix *string `json:"api_key_prefix"`
	APIKeyName   *string `json:"api_key_name"`
}
