package template

// The properties of functions and mappings: used, known to change nothing here (ignored), and known to be missing here
// (a warning).
// Sources: CloudFormation Template Reference and SAM Developer Guide, each resource's properties.
var (
	functionUsed = []string{
		"FunctionName", "Handler", "Runtime", "PackageType", "MemorySize", "Timeout", "Environment", "ReservedConcurrentExecutions",
		"Architectures", "RecursiveLoop",
	}
	functionIgnored = []string{
		"Role", "Description", "Tags", "VpcConfig", "KmsKeyArn", "EphemeralStorage", "ImageConfig", "CodeSigningConfigArn", "SnapStart",
		"RuntimeManagementConfig", "LoggingConfig", "FunctionScalingConfig", "PublishToLatestPublished",
	}
	functionWarned = []string{"Layers", "FileSystemConfigs", "TenancyConfig", "DurableConfig", "CapacityProviderConfig"}

	serverlessUsed    = []string{"CodeUri", "InlineCode", "ImageUri", "Events", "EventInvokeConfig", "AutoPublishAlias"}
	serverlessIgnored = []string{
		"AssumeRolePolicyDocument", "Policies", "RolePath", "PermissionsBoundary", "PropagateTags", "Tracing", "DeploymentPreference",
		"AutoPublishCodeSha256", "AutoPublishAliasAllProperties", "VersionDescription", "ProvisionedConcurrencyConfig", "SourceKMSKeyArn",
		"VersionDeletionPolicy",
	}
	serverlessWarned = []string{"FunctionUrlConfig", "DeadLetterQueue"}

	lambdaUsed    = []string{"Code"}
	lambdaIgnored = []string{"TracingConfig"}
	lambdaWarned  = []string{"DeadLetterConfig"}

	mappingUsed = []string{
		"BatchSize", "Enabled", "MaximumBatchingWindowInSeconds", "FunctionResponseTypes", "ScalingConfig", "FilterCriteria",
		"ProvisionedPollerConfig",
	}
	mappingIgnored = []string{"KmsKeyArn", "MetricsConfig", "LoggingConfig"}
	// otherSource are the properties that only mappings of streams and brokers have.
	otherSource = []string{
		"StartingPosition", "StartingPositionTimestamp", "Topics", "Queues", "SelfManagedEventSource", "SourceAccessConfigurations",
		"AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig", "DocumentDBEventSourceConfig",
	}
)

// missing says what is not there for a property that is accepted with a warning.
var missing = map[string]string{
	"Layers":                 "layers are not added to the function; what it loads from /opt is missing",
	"FileSystemConfigs":      "file systems are not mounted",
	"TenancyConfig":          "tenants share the function's processes",
	"DurableConfig":          "durable execution is not emulated",
	"CapacityProviderConfig": "runs as an ordinary function",
	"FunctionUrlConfig":      "no URL is served; call the function with Invoke",
	"DeadLetterQueue":        "not emulated, events that fail for good are dropped; use EventInvokeConfig with an OnFailure destination, which is",
	"DeadLetterConfig":       "not emulated, events that fail for good are dropped; use AWS::Lambda::EventInvokeConfig with an OnFailure destination, which is",
}
