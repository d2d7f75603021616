"""Facts about the reference's Go types that its OpenAPI documents do not tell.

OpenAPI says neither whether a member is a pointer (so that an explicit zero value stays on the wire) nor which
members are written although they are zero, nor the name of the Go type that decode errors print. The rules that
hold for most members are in :func:`kapi.meta.schema.compact.usual_presence`; here are the exceptions, by hand, from
the published API types (k8s.io/api, k8s.io/apimachinery, k8s.io/apiextensions-apiserver, k8s.io/kube-aggregator).

Each line names a definition, without the prefix that :data:`PREFIXES` has for it, and its members.
"""

PREFIXES = {
    "meta.": "io.k8s.apimachinery.pkg.apis.",
    "apiextensions.": "io.k8s.apiextensions-apiserver.pkg.apis.",
    "apiregistration.": "io.k8s.kube-aggregator.pkg.apis.",
    "": "io.k8s.api.",
}
"""What the short names begin with, and what to put before them; the first that fits holds."""

POINTERS = """
admissionregistration.v1.MatchResources: matchPolicy
admissionregistration.v1.MutatingAdmissionPolicySpec: failurePolicy
admissionregistration.v1.MutatingWebhook: failurePolicy matchPolicy reinvocationPolicy timeoutSeconds
admissionregistration.v1.NamedRuleWithOperations: scope
admissionregistration.v1.ParamRef: parameterNotFoundAction
admissionregistration.v1.RuleWithOperations: scope
admissionregistration.v1.ServiceReference: path port
admissionregistration.v1.ValidatingAdmissionPolicySpec: failurePolicy
admissionregistration.v1.ValidatingWebhook: failurePolicy matchPolicy timeoutSeconds
admissionregistration.v1.Validation: reason
admissionregistration.v1.WebhookClientConfig: url
apps.v1.DaemonSetSpec: revisionHistoryLimit
apps.v1.DaemonSetStatus: collisionCount
apps.v1.DeploymentSpec: progressDeadlineSeconds replicas revisionHistoryLimit
apps.v1.DeploymentStatus: collisionCount terminatingReplicas
apps.v1.ReplicaSetSpec: replicas
apps.v1.ReplicaSetStatus: terminatingReplicas
apps.v1.RollingUpdateStatefulSetStrategy: partition
apps.v1.StatefulSetSpec: replicas revisionHistoryLimit
apps.v1.StatefulSetStatus: collisionCount
autoscaling.v1.HorizontalPodAutoscalerSpec: minReplicas targetCPUUtilizationPercentage
autoscaling.v1.HorizontalPodAutoscalerStatus: currentCPUUtilizationPercentage observedGeneration
autoscaling.v2.HPAScalingRules: selectPolicy stabilizationWindowSeconds
autoscaling.v2.HorizontalPodAutoscalerSpec: minReplicas
autoscaling.v2.HorizontalPodAutoscalerStatus: observedGeneration
autoscaling.v2.MetricTarget: averageUtilization
autoscaling.v2.MetricValueStatus: averageUtilization
batch.v1.CronJobSpec: failedJobsHistoryLimit startingDeadlineSeconds successfulJobsHistoryLimit suspend timeZone
batch.v1.JobSpec: activeDeadlineSeconds backoffLimit backoffLimitPerIndex completionMode completions managedBy
batch.v1.JobSpec: manualSelector maxFailedIndexes parallelism podReplacementPolicy suspend ttlSecondsAfterFinished
batch.v1.JobStatus: failedIndexes ready terminating
batch.v1.PodFailurePolicyOnExitCodesRequirement: containerName
batch.v1.SuccessPolicyRule: succeededCount succeededIndexes
certificates.v1.CertificateSigningRequestSpec: expirationSeconds
coordination.v1.LeaseSpec: holderIdentity leaseDurationSeconds leaseTransitions preferredHolder strategy
core.v1.AppArmorProfile: localhostProfile
core.v1.AzureDiskVolumeSource: cachingMode fsType kind readOnly
core.v1.CSIVolumeSource: fsType readOnly
core.v1.ClientIPConfig: timeoutSeconds
core.v1.ClusterTrustBundleProjection: name optional signerName
core.v1.ConfigMap: immutable
core.v1.ConfigMapEnvSource: optional
core.v1.ConfigMapKeySelector: optional
core.v1.ConfigMapProjection: optional
core.v1.ConfigMapVolumeSource: defaultMode optional
core.v1.Container: restartPolicy
core.v1.ContainerStatus: started stopSignal
core.v1.DownwardAPIVolumeFile: mode
core.v1.DownwardAPIVolumeSource: defaultMode
core.v1.EndpointAddress: nodeName
core.v1.EndpointPort: appProtocol
core.v1.EphemeralContainer: restartPolicy
core.v1.FCVolumeSource: lun
core.v1.FileKeySelector: optional
core.v1.GlusterfsPersistentVolumeSource: endpointsNamespace
core.v1.HostPathVolumeSource: type
core.v1.ISCSIPersistentVolumeSource: initiatorName
core.v1.ISCSIVolumeSource: initiatorName
core.v1.KeyToPath: mode
core.v1.Lifecycle: stopSignal
core.v1.LoadBalancerIngress: ipMode
core.v1.LocalVolumeSource: fsType
core.v1.NodeFeatures: supplementalGroupsPolicy
core.v1.NodeRuntimeHandlerFeatures: recursiveReadOnlyMounts userNamespaces
core.v1.NodeSwapStatus: capacity
core.v1.PersistentVolumeClaimSpec: storageClassName volumeAttributesClassName volumeMode
core.v1.PersistentVolumeClaimStatus: currentVolumeAttributesClassName
core.v1.PersistentVolumeSpec: volumeAttributesClassName volumeMode
core.v1.PodCertificateProjection: maxExpirationSeconds
core.v1.PodDNSConfigOption: value
core.v1.PodResourceClaim: resourceClaimName resourceClaimTemplateName
core.v1.PodResourceClaimStatus: resourceClaimName
core.v1.PodSchedulingGroup: podGroupName
core.v1.PodSecurityContext: fsGroup fsGroupChangePolicy runAsGroup runAsNonRoot runAsUser seLinuxChangePolicy
core.v1.PodSecurityContext: supplementalGroupsPolicy
core.v1.PodSpec: activeDeadlineSeconds automountServiceAccountToken enableServiceLinks hostUsers hostnameOverride
core.v1.PodSpec: preemptionPolicy priority runtimeClassName setHostnameAsFQDN shareProcessNamespace
core.v1.PodSpec: terminationGracePeriodSeconds
core.v1.PortStatus: error
core.v1.Probe: terminationGracePeriodSeconds
core.v1.ProjectedVolumeSource: defaultMode
core.v1.ReplicationControllerSpec: replicas
core.v1.ResourceHealth: message
core.v1.SeccompProfile: localhostProfile
core.v1.Secret: immutable
core.v1.SecretEnvSource: optional
core.v1.SecretKeySelector: optional
core.v1.SecretProjection: optional
core.v1.SecretVolumeSource: defaultMode optional
core.v1.SecurityContext: allowPrivilegeEscalation privileged procMount readOnlyRootFilesystem runAsGroup
core.v1.SecurityContext: runAsNonRoot runAsUser
core.v1.ServiceAccount: automountServiceAccountToken
core.v1.ServiceAccountTokenProjection: expirationSeconds
core.v1.ServicePort: appProtocol
core.v1.ServiceSpec: allocateLoadBalancerNodePorts internalTrafficPolicy ipFamilyPolicy loadBalancerClass
core.v1.ServiceSpec: trafficDistribution
core.v1.Toleration: tolerationSeconds
core.v1.TopologySpreadConstraint: minDomains nodeAffinityPolicy nodeTaintsPolicy
core.v1.TypedObjectReference: namespace
core.v1.VolumeMount: mountPropagation recursiveReadOnly
core.v1.VolumeMountStatus: recursiveReadOnly
core.v1.WindowsSecurityContextOptions: gmsaCredentialSpec gmsaCredentialSpecName hostProcess runAsUserName
discovery.v1.Endpoint: hostname nodeName zone
discovery.v1.EndpointConditions: ready serving terminating
discovery.v1.EndpointPort: appProtocol name port protocol
flowcontrol.v1.ExemptPriorityLevelConfiguration: lendablePercent nominalConcurrencyShares
flowcontrol.v1.LimitedPriorityLevelConfiguration: borrowingLimitPercent lendablePercent
apiextensions.v1.CustomResourceDefinitionVersion: deprecationWarning
apiextensions.v1.CustomResourceSubresourceScale: labelSelectorPath
apiextensions.v1.JSONSchemaProps: $ref maxItems maxLength maxProperties
apiextensions.v1.JSONSchemaProps: maximum minItems minLength minProperties
apiextensions.v1.JSONSchemaProps: minimum multipleOf x-kubernetes-list-type
apiextensions.v1.JSONSchemaProps: x-kubernetes-map-type
apiextensions.v1.JSONSchemaProps: x-kubernetes-preserve-unknown-fields
apiextensions.v1.ServiceReference: path port
apiextensions.v1.ValidationRule: optionalOldSelf reason
apiextensions.v1.WebhookClientConfig: url
meta.v1.DeleteOptions: gracePeriodSeconds
meta.v1.DeleteOptions: ignoreStoreReadErrorWithClusterBreakingPotential
meta.v1.DeleteOptions: orphanDependents propagationPolicy
meta.v1.ListMeta: remainingItemCount
meta.v1.ObjectMeta: deletionGracePeriodSeconds
meta.v1.OwnerReference: blockOwnerDeletion controller
meta.v1.Preconditions: resourceVersion uid
apiregistration.v1.ServiceReference: port
networking.v1.IngressClassParametersReference: apiGroup namespace
networking.v1.IngressPortStatus: error
networking.v1.IngressSpec: ingressClassName
networking.v1.NetworkPolicyPort: endPort protocol
policy.v1.PodDisruptionBudgetSpec: unhealthyPodEvictionPolicy
resource.v1.AllocatedDeviceStatus: shareID
resource.v1.Device: allNodes allowMultipleAllocations bindsToNode nodeName
resource.v1.DeviceAttribute: bool int string version
resource.v1.DeviceClassSpec: extendedResourceName
resource.v1.DeviceConstraint: distinctAttribute matchAttribute
resource.v1.DeviceRequestAllocationResult: adminAccess shareID
resource.v1.DeviceToleration: tolerationSeconds
resource.v1.ExactDeviceRequest: adminAccess
resource.v1.ResourceSliceSpec: allNodes nodeName perDeviceNodeSelection
scheduling.v1.PriorityClass: preemptionPolicy
storage.v1.CSIDriverSpec: attachRequired fsGroupPolicy nodeAllocatableUpdatePeriodSeconds podInfoOnMount
storage.v1.CSIDriverSpec: preventPodSchedulingIfMissing requiresRepublish seLinuxMount serviceAccountTokenInSecrets
storage.v1.CSIDriverSpec: storageCapacity
storage.v1.StorageClass: allowVolumeExpansion reclaimPolicy volumeBindingMode
storage.v1.TokenRequest: expirationSeconds
storage.v1.VolumeAttachmentSource: persistentVolumeName
storage.v1.VolumeError: errorCode
storage.v1.VolumeNodeResources: count
"""
"""Optional scalars (and timestamps) that are pointers: an explicit zero value stays."""

DROPPED = """
admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec: validationActions
autoscaling.v1.ScaleSpec: replicas
core.v1.ConfigMapEnvSource: name
core.v1.ConfigMapKeySelector: name
core.v1.ConfigMapProjection: name
core.v1.ConfigMapVolumeSource: name
core.v1.LocalObjectReference: name
core.v1.ReplicationControllerSpec: minReadySeconds
core.v1.SecretEnvSource: name
core.v1.SecretKeySelector: name
core.v1.SecretProjection: name
meta.v1.ObjectMeta: creationTimestamp
resource.v1.CounterSet: counters
resource.v1.DeviceCounterConsumption: counters
"""
"""Members whose zero value is dropped although the schema has a default or requires them."""

WRITTEN = """
core.v1.HTTPGetAction: port
core.v1.ResourceFieldSelector: divisor
core.v1.ServicePort: targetPort
core.v1.TCPSocketAction: port
resource.v1.Counter: value
resource.v1.DeviceCapacity: value
"""
"""Members that are written with their zero value although the schema has no default."""

NULL = """
apps.v1.ControllerRevision: data
apps.v1.DaemonSetCondition: lastTransitionTime
apps.v1.DeploymentCondition: lastTransitionTime lastUpdateTime
apps.v1.ReplicaSetCondition: lastTransitionTime
apps.v1.StatefulSetCondition: lastTransitionTime
authentication.v1.TokenRequestSpec: audiences
authentication.v1.TokenRequestStatus: expirationTimestamp
autoscaling.v2.HorizontalPodAutoscalerCondition: lastTransitionTime
autoscaling.v2.HorizontalPodAutoscalerStatus: currentMetrics
batch.v1.JobCondition: lastProbeTime lastTransitionTime
certificates.v1.CertificateSigningRequestCondition: lastTransitionTime lastUpdateTime
certificates.v1.CertificateSigningRequestSpec: request
core.v1.ContainerImage: names
core.v1.ContainerStateRunning: startedAt
core.v1.ContainerStateTerminated: finishedAt startedAt
core.v1.Event: eventTime firstTimestamp lastTimestamp
core.v1.EventSeries: lastObservedTime
core.v1.NamespaceCondition: lastTransitionTime
core.v1.NodeCondition: lastHeartbeatTime lastTransitionTime
core.v1.PersistentVolumeClaimCondition: lastProbeTime lastTransitionTime
core.v1.PodCondition: lastProbeTime lastTransitionTime
core.v1.ProjectedVolumeSource: sources
core.v1.ReplicationControllerCondition: lastTransitionTime
discovery.v1.EndpointSlice: endpoints ports
events.v1.Event: deprecatedFirstTimestamp deprecatedLastTimestamp eventTime
events.v1.EventSeries: lastObservedTime
flowcontrol.v1.FlowSchemaCondition: lastTransitionTime
flowcontrol.v1.PriorityLevelConfigurationCondition: lastTransitionTime
flowcontrol.v1.ResourcePolicyRule: namespaces
apiextensions.v1.CustomResourceDefinitionCondition: lastTransitionTime
meta.v1.Condition: lastTransitionTime
apiregistration.v1.APIServiceCondition: lastTransitionTime
rbac.v1.ClusterRole: rules
rbac.v1.Role: rules
resource.v1.AllocatedDeviceStatus: conditions
resource.v1.DeviceClaim: requests
resource.v1.OpaqueDeviceConfiguration: parameters
storage.v1.CSINodeDriver: topologyKeys
storage.v1.VolumeError: time
"""
"""Members that are written as null when they are empty."""

NULL_POINTERS = """
admissionregistration.v1.MutatingWebhook: sideEffects
admissionregistration.v1.ValidatingWebhook: sideEffects
apps.v1.DaemonSetSpec: selector
apps.v1.DeploymentSpec: selector
apps.v1.ReplicaSetSpec: selector
apps.v1.StatefulSetSpec: selector
authentication.v1.TokenRequestSpec: boundObjectRef expirationSeconds
core.v1.AzureFilePersistentVolumeSource: secretNamespace
core.v1.GRPCAction: service
core.v1.ScaleIOPersistentVolumeSource: secretRef
core.v1.ScaleIOVolumeSource: secretRef
core.v1.TypedLocalObjectReference: apiGroup
core.v1.TypedObjectReference: apiGroup
flowcontrol.v1.LimitedPriorityLevelConfiguration: nominalConcurrencyShares
apiextensions.v1.CustomResourceDefinitionList: items
apiextensions.v1.CustomResourceDefinitionSpec: versions
apiextensions.v1.CustomResourceDefinitionStatus: conditions storedVersions
apiextensions.v1.WebhookConversion: conversionReviewVersions
networking.v1.HTTPIngressPath: pathType
networking.v1.IngressClassParametersReference: scope
resource.v1.CapacityRequestPolicy: default
"""
"""Members that are written as null when absent, while an explicit zero value stays."""

GO_TYPES = """
admissionregistration.v1.MatchResources: matchPolicy=v1.MatchPolicyType
admissionregistration.v1.MutatingAdmissionPolicySpec: failurePolicy=v1.FailurePolicyType
admissionregistration.v1.MutatingAdmissionPolicySpec: reinvocationPolicy=v1.ReinvocationPolicyType
admissionregistration.v1.MutatingWebhook: failurePolicy=v1.FailurePolicyType matchPolicy=v1.MatchPolicyType
admissionregistration.v1.MutatingWebhook: reinvocationPolicy=v1.ReinvocationPolicyType
admissionregistration.v1.MutatingWebhook: sideEffects=v1.SideEffectClass
admissionregistration.v1.Mutation: patchType=v1.PatchType
admissionregistration.v1.NamedRuleWithOperations: operations=[]v1.OperationType scope=v1.ScopeType
admissionregistration.v1.ParamRef: parameterNotFoundAction=v1.ParameterNotFoundActionType
admissionregistration.v1.RuleWithOperations: operations=[]v1.OperationType scope=v1.ScopeType
admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec: validationActions=[]v1.ValidationAction
admissionregistration.v1.ValidatingAdmissionPolicySpec: failurePolicy=v1.FailurePolicyType
admissionregistration.v1.ValidatingWebhook: failurePolicy=v1.FailurePolicyType matchPolicy=v1.MatchPolicyType
admissionregistration.v1.ValidatingWebhook: sideEffects=v1.SideEffectClass
admissionregistration.v1.Validation: reason=v1.StatusReason
apps.v1.DaemonSetCondition: status=v1.ConditionStatus type=v1.DaemonSetConditionType
apps.v1.DaemonSetUpdateStrategy: type=v1.DaemonSetUpdateStrategyType
apps.v1.DeploymentCondition: status=v1.ConditionStatus type=v1.DeploymentConditionType
apps.v1.DeploymentStrategy: type=v1.DeploymentStrategyType
apps.v1.ReplicaSetCondition: status=v1.ConditionStatus type=v1.ReplicaSetConditionType
apps.v1.StatefulSetCondition: status=v1.ConditionStatus type=v1.StatefulSetConditionType
apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy: whenDeleted=v1.PersistentVolumeClaimRetentionPolicyType
apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy: whenScaled=v1.PersistentVolumeClaimRetentionPolicyType
apps.v1.StatefulSetSpec: podManagementPolicy=v1.PodManagementPolicyType
apps.v1.StatefulSetUpdateStrategy: type=v1.StatefulSetUpdateStrategyType
authentication.v1.BoundObjectReference: uid=types.UID
authentication.v1.UserInfo: extra=map[string]v1.ExtraValue
authorization.v1.SubjectAccessReviewSpec: extra=map[string]v1.ExtraValue
autoscaling.v2.ContainerResourceMetricSource: name=v1.ResourceName
autoscaling.v2.ContainerResourceMetricStatus: name=v1.ResourceName
autoscaling.v2.HPAScalingPolicy: type=v2.HPAScalingPolicyType
autoscaling.v2.HPAScalingRules: selectPolicy=v2.ScalingPolicySelect
autoscaling.v2.HorizontalPodAutoscalerCondition: status=v1.ConditionStatus
autoscaling.v2.HorizontalPodAutoscalerCondition: type=v2.HorizontalPodAutoscalerConditionType
autoscaling.v2.MetricSpec: type=v2.MetricSourceType
autoscaling.v2.MetricStatus: type=v2.MetricSourceType
autoscaling.v2.MetricTarget: type=v2.MetricTargetType
autoscaling.v2.ResourceMetricSource: name=v1.ResourceName
autoscaling.v2.ResourceMetricStatus: name=v1.ResourceName
batch.v1.CronJobSpec: concurrencyPolicy=v1.ConcurrencyPolicy
batch.v1.JobCondition: status=v1.ConditionStatus type=v1.JobConditionType
batch.v1.JobSpec: completionMode=v1.CompletionMode podReplacementPolicy=v1.PodReplacementPolicy
batch.v1.PodFailurePolicyOnExitCodesRequirement: operator=v1.PodFailurePolicyOnExitCodesOperator
batch.v1.PodFailurePolicyOnPodConditionsPattern: status=v1.ConditionStatus type=v1.PodConditionType
batch.v1.PodFailurePolicyRule: action=v1.PodFailurePolicyAction
batch.v1.UncountedTerminatedPods: failed=[]types.UID succeeded=[]types.UID
certificates.v1.CertificateSigningRequestCondition: status=v1.ConditionStatus type=v1.RequestConditionType
certificates.v1.CertificateSigningRequestSpec: extra=map[string]v1.ExtraValue usages=[]v1.KeyUsage
coordination.v1.LeaseSpec: strategy=v1.CoordinatedLeaseStrategy
core.v1.AppArmorProfile: type=v1.AppArmorProfileType
core.v1.AttachedVolume: name=v1.UniqueVolumeName
core.v1.AzureDiskVolumeSource: cachingMode=v1.AzureDataDiskCachingMode kind=v1.AzureDataDiskKind
core.v1.Capabilities: add=[]v1.Capability drop=[]v1.Capability
core.v1.ComponentCondition: status=v1.ConditionStatus type=v1.ComponentConditionType
core.v1.ConfigMapNodeConfigSource: uid=types.UID
core.v1.Container: imagePullPolicy=v1.PullPolicy restartPolicy=v1.ContainerRestartPolicy
core.v1.Container: terminationMessagePolicy=v1.TerminationMessagePolicy
core.v1.ContainerPort: protocol=v1.Protocol
core.v1.ContainerResizePolicy: resourceName=v1.ResourceName restartPolicy=v1.ResourceResizeRestartPolicy
core.v1.ContainerRestartRule: action=v1.ContainerRestartRuleAction
core.v1.ContainerRestartRuleOnExitCodes: operator=v1.ContainerRestartRuleOnExitCodesOperator
core.v1.ContainerStatus: allocatedResources=v1.ResourceList stopSignal=v1.Signal
core.v1.EmptyDirVolumeSource: medium=v1.StorageMedium
core.v1.EndpointPort: protocol=v1.Protocol
core.v1.EphemeralContainer: imagePullPolicy=v1.PullPolicy restartPolicy=v1.ContainerRestartPolicy
core.v1.EphemeralContainer: terminationMessagePolicy=v1.TerminationMessagePolicy
core.v1.HTTPGetAction: scheme=v1.URIScheme
core.v1.HostPathVolumeSource: type=v1.HostPathType
core.v1.ImageVolumeSource: pullPolicy=v1.PullPolicy
core.v1.Lifecycle: stopSignal=v1.Signal
core.v1.LimitRangeItem: default=v1.ResourceList defaultRequest=v1.ResourceList max=v1.ResourceList
core.v1.LimitRangeItem: maxLimitRequestRatio=v1.ResourceList min=v1.ResourceList type=v1.LimitType
core.v1.LoadBalancerIngress: ipMode=v1.LoadBalancerIPMode
core.v1.ModifyVolumeStatus: status=v1.PersistentVolumeClaimModifyVolumeStatus
core.v1.NamespaceCondition: status=v1.ConditionStatus type=v1.NamespaceConditionType
core.v1.NamespaceSpec: finalizers=[]v1.FinalizerName
core.v1.NamespaceStatus: phase=v1.NamespacePhase
core.v1.NodeAddress: type=v1.NodeAddressType
core.v1.NodeCondition: status=v1.ConditionStatus type=v1.NodeConditionType
core.v1.NodeSelectorRequirement: operator=v1.NodeSelectorOperator
core.v1.NodeStatus: allocatable=v1.ResourceList capacity=v1.ResourceList phase=v1.NodePhase
core.v1.NodeStatus: volumesInUse=[]v1.UniqueVolumeName
core.v1.ObjectReference: uid=types.UID
core.v1.PersistentVolumeClaimCondition: status=v1.ConditionStatus type=v1.PersistentVolumeClaimConditionType
core.v1.PersistentVolumeClaimSpec: accessModes=[]v1.PersistentVolumeAccessMode volumeMode=v1.PersistentVolumeMode
core.v1.PersistentVolumeClaimStatus: accessModes=[]v1.PersistentVolumeAccessMode
core.v1.PersistentVolumeClaimStatus: allocatedResourceStatuses=map[v1.ResourceName]v1.ClaimResourceStatus
core.v1.PersistentVolumeClaimStatus: allocatedResources=v1.ResourceList capacity=v1.ResourceList
core.v1.PersistentVolumeClaimStatus: phase=v1.PersistentVolumeClaimPhase
core.v1.PersistentVolumeSpec: accessModes=[]v1.PersistentVolumeAccessMode capacity=v1.ResourceList
core.v1.PersistentVolumeSpec: persistentVolumeReclaimPolicy=v1.PersistentVolumeReclaimPolicy
core.v1.PersistentVolumeSpec: volumeMode=v1.PersistentVolumeMode
core.v1.PersistentVolumeStatus: phase=v1.PersistentVolumePhase
core.v1.PodCondition: status=v1.ConditionStatus type=v1.PodConditionType
core.v1.PodOS: name=v1.OSName
core.v1.PodReadinessGate: conditionType=v1.PodConditionType
core.v1.PodSecurityContext: fsGroupChangePolicy=v1.PodFSGroupChangePolicy
core.v1.PodSecurityContext: seLinuxChangePolicy=v1.PodSELinuxChangePolicy
core.v1.PodSecurityContext: supplementalGroupsPolicy=v1.SupplementalGroupsPolicy
core.v1.PodSpec: dnsPolicy=v1.DNSPolicy overhead=v1.ResourceList preemptionPolicy=v1.PreemptionPolicy
core.v1.PodSpec: restartPolicy=v1.RestartPolicy
core.v1.PodStatus: allocatedResources=v1.ResourceList phase=v1.PodPhase qosClass=v1.PodQOSClass
core.v1.PodStatus: resize=v1.PodResizeStatus
core.v1.PortStatus: protocol=v1.Protocol
core.v1.ReplicationControllerCondition: status=v1.ConditionStatus type=v1.ReplicationControllerConditionType
core.v1.ResourceHealth: health=v1.ResourceHealthStatus resourceID=v1.ResourceID
core.v1.ResourceQuotaSpec: hard=v1.ResourceList scopes=[]v1.ResourceQuotaScope
core.v1.ResourceQuotaStatus: hard=v1.ResourceList used=v1.ResourceList
core.v1.ResourceRequirements: limits=v1.ResourceList requests=v1.ResourceList
core.v1.ResourceStatus: name=v1.ResourceName
core.v1.ScopedResourceSelectorRequirement: operator=v1.ScopeSelectorOperator scopeName=v1.ResourceQuotaScope
core.v1.SeccompProfile: type=v1.SeccompProfileType
core.v1.Secret: type=v1.SecretType
core.v1.SecurityContext: procMount=v1.ProcMountType
core.v1.ServicePort: protocol=v1.Protocol
core.v1.ServiceSpec: externalTrafficPolicy=v1.ServiceExternalTrafficPolicy
core.v1.ServiceSpec: internalTrafficPolicy=v1.ServiceInternalTrafficPolicy ipFamilies=[]v1.IPFamily
core.v1.ServiceSpec: ipFamilyPolicy=v1.IPFamilyPolicy sessionAffinity=v1.ServiceAffinity type=v1.ServiceType
core.v1.Taint: effect=v1.TaintEffect
core.v1.Toleration: effect=v1.TaintEffect operator=v1.TolerationOperator
core.v1.TopologySpreadConstraint: nodeAffinityPolicy=v1.NodeInclusionPolicy nodeTaintsPolicy=v1.NodeInclusionPolicy
core.v1.TopologySpreadConstraint: whenUnsatisfiable=v1.UnsatisfiableConstraintAction
core.v1.VolumeMount: mountPropagation=v1.MountPropagationMode recursiveReadOnly=v1.RecursiveReadOnlyMode
core.v1.VolumeMountStatus: recursiveReadOnly=v1.RecursiveReadOnlyMode
core.v1.VolumeResourceRequirements: limits=v1.ResourceList requests=v1.ResourceList
discovery.v1.EndpointPort: protocol=v1.Protocol
discovery.v1.EndpointSlice: addressType=v1.AddressType
flowcontrol.v1.FlowDistinguisherMethod: type=v1.FlowDistinguisherMethodType
flowcontrol.v1.FlowSchemaCondition: status=v1.ConditionStatus type=v1.FlowSchemaConditionType
flowcontrol.v1.LimitResponse: type=v1.LimitResponseType
flowcontrol.v1.PriorityLevelConfigurationCondition: status=v1.ConditionStatus
flowcontrol.v1.PriorityLevelConfigurationCondition: type=v1.PriorityLevelConfigurationConditionType
flowcontrol.v1.PriorityLevelConfigurationSpec: type=v1.PriorityLevelEnablement
flowcontrol.v1.Subject: kind=v1.SubjectKind
apiextensions.v1.CustomResourceConversion:
apiextensions.v1.CustomResourceConversion: strategy=v1.ConversionStrategyType
apiextensions.v1.CustomResourceDefinitionCondition:
apiextensions.v1.CustomResourceDefinitionCondition: status=v1.ConditionStatus
apiextensions.v1.CustomResourceDefinitionCondition: type=v1.CustomResourceDefinitionConditionType
apiextensions.v1.CustomResourceDefinitionSpec: scope=v1.ResourceScope
apiextensions.v1.JSONSchemaProps: $schema=v1.JSONSchemaURL
apiextensions.v1.JSONSchemaProps: definitions=v1.JSONSchemaDefinitions
apiextensions.v1.JSONSchemaProps: dependencies=v1.JSONSchemaDependencies
apiextensions.v1.JSONSchemaProps: x-kubernetes-validations=v1.ValidationRules
apiextensions.v1.ValidationRule: reason=v1.FieldValueErrorReason
meta.v1.APIResource: verbs=v1.Verbs
meta.v1.Condition: status=v1.ConditionStatus
meta.v1.DeleteOptions: propagationPolicy=v1.DeletionPropagation
meta.v1.FieldSelectorRequirement: operator=v1.FieldSelectorOperator
meta.v1.LabelSelectorRequirement: operator=v1.LabelSelectorOperator
meta.v1.ManagedFieldsEntry: operation=v1.ManagedFieldsOperationType
meta.v1.ObjectMeta: uid=types.UID
meta.v1.OwnerReference: uid=types.UID
meta.v1.Preconditions: uid=types.UID
meta.v1.Status: reason=v1.StatusReason
meta.v1.StatusCause: reason=v1.CauseType
meta.v1.StatusDetails: uid=types.UID
apiregistration.v1.APIServiceCondition: status=v1.ConditionStatus
apiregistration.v1.APIServiceCondition: type=v1.APIServiceConditionType
networking.v1.HTTPIngressPath: pathType=v1.PathType
networking.v1.IngressPortStatus: protocol=v1.Protocol
networking.v1.NetworkPolicyPort: protocol=v1.Protocol
networking.v1.NetworkPolicySpec: policyTypes=[]v1.PolicyType
node.v1.Overhead: podFixed=v1.ResourceList
policy.v1.PodDisruptionBudgetSpec: unhealthyPodEvictionPolicy=v1.UnhealthyPodEvictionPolicyType
resource.v1.CapacityRequirements: requests=map[v1.QualifiedName]resource.Quantity
resource.v1.Device: attributes=map[v1.QualifiedName]v1.DeviceAttribute
resource.v1.Device: capacity=map[v1.QualifiedName]v1.DeviceCapacity
resource.v1.DeviceAllocationConfiguration: source=v1.AllocationConfigSource
resource.v1.DeviceConstraint: distinctAttribute=v1.FullyQualifiedName matchAttribute=v1.FullyQualifiedName
resource.v1.DeviceRequestAllocationResult: consumedCapacity=map[v1.QualifiedName]resource.Quantity shareID=types.UID
resource.v1.DeviceSubRequest: allocationMode=v1.DeviceAllocationMode
resource.v1.DeviceTaint: effect=v1.DeviceTaintEffect
resource.v1.DeviceToleration: effect=v1.DeviceTaintEffect operator=v1.DeviceTolerationOperator
resource.v1.ExactDeviceRequest: allocationMode=v1.DeviceAllocationMode
resource.v1.ResourceClaimConsumerReference: uid=types.UID
scheduling.v1.PriorityClass: preemptionPolicy=v1.PreemptionPolicy
storage.v1.CSIDriverSpec: fsGroupPolicy=v1.FSGroupPolicy volumeLifecycleModes=[]v1.VolumeLifecycleMode
storage.v1.StorageClass: reclaimPolicy=v1.PersistentVolumeReclaimPolicy volumeBindingMode=v1.VolumeBindingMode
"""
"""Members whose Go type has a name of its own."""

MILLI_TYPES = ("v1.ResourceList",)
"""Go types whose quantities the reference rounds up to whole thousandths."""

LEAVES = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "micro-time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "any",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Patch": "any",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "any",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": "any",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray": "schema-or-list",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool": "schema-or-boolean",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": "schema-or-strings",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceStatus": "struct",
}
"""What the definitions that list no members are in JSON."""
