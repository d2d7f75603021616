"""The flags of kube-apiserver: names, types, groups and defaults, with help in kapi's words.

A ``planned`` flag is accepted with a warning, because kapi does not do yet what it is about. A plugin that
declares the same flag takes the planned one's place (:mod:`kapi.config.flags`). Where kapi's default differs from
kube-apiserver's the help says why.
"""

from typing import Any

from kapi.config import checks
from kapi.config.durations import parse_duration
from kapi.contracts.plugins import Option, OptionType

Rows = tuple[Option, ...]


def _flag(name: str, type: OptionType, default: Any, help: str, **more: Any) -> Option:
    return Option(name, type, default, help, **more)


def _planned(name: str, type: OptionType, default: Any, help: str) -> Option:
    return Option(name, type, default, help, planned=True)


def _seconds(text: str) -> float:
    return parse_duration(text)


GENERIC: Rows = (
    _flag(
        "advertise-address",
        "string",
        "",
        "Address at which others reach this server; empty: --bind-address.",
        check=checks.address_or_empty,
    ),
    _flag(
        "cors-allowed-origins",
        "strings",
        (),
        "Origins that scripts in browsers may call from, as regular expressions: //example\\.com(:|$).",
        check=checks.origin_patterns,
    ),
    _planned("emulated-version", "strings", (), "Versions of Kubernetes to behave like."),
    _planned("emulation-forward-compatible", "bool", False, "Serve newer APIs than the emulated version has."),
    _flag("external-hostname", "string", "", "Host name to use in URLs that clients are given."),
    _planned("feature-gates", "map", {}, "Switches of features, as name=true or name=false."),
    _planned("goaway-chance", "float", 0.0, "Share of HTTP/2 requests answered with GOAWAY."),
    _planned(
        "livez-grace-period",
        "duration",
        0.0,
        "How long start-up may take before /livez reports it as failed.",
    ),
    _flag(
        "max-mutating-requests-inflight",
        "int",
        200,
        "How many writes may be in flight; 0: any number.",
        check=checks.not_negative,
    ),
    _flag(
        "max-requests-inflight",
        "int",
        400,
        "How many reads may be in flight; 0: any number.",
        check=checks.not_negative,
    ),
    _planned("min-compatibility-version", "strings", (), "Oldest versions to stay compatible with."),
    _flag(
        "min-request-timeout",
        "int",
        1800,
        "Shortest lifetime of a watch in seconds; the real one is random, up to twice as long.",
        check=checks.not_negative,
    ),
    _flag(
        "request-timeout",
        "duration",
        _seconds("1m0s"),
        "How long a request may take, other than a long-running one.",
        check=checks.positive,
    ),
    _planned("runtime-config-emulation-forward-compatible", "bool", False, "Let --runtime-config name newer APIs."),
    _planned("send-retry-after-while-not-ready-once", "bool", False, "Answer 429 until the server was ready once."),
    _flag(
        "shutdown-delay-duration",
        "duration",
        0.0,
        "How long to go on serving, not ready, after SIGTERM.",
        check=checks.not_negative,
    ),
    _planned("shutdown-send-retry-after", "bool", False, "Answer new requests with 429 while running ones finish."),
    _planned(
        "shutdown-watch-termination-grace-period",
        "duration",
        0.0,
        "Over how long watches are ended on shutdown; 0: at once.",
    ),
    _flag(
        "storage-initialization-timeout",
        "duration",
        _seconds("1m0s"),
        "How long to wait for the storage at start.",
        check=checks.positive,
    ),
    _planned(
        "strict-transport-security-directives", "strings", (), "Directives for the Strict-Transport-Security header."
    ),
)

ETCD: Rows = (
    _planned("delete-collection-workers", "int", 1, "How many objects a deletecollection deletes at once."),
    _flag("enable-garbage-collector", "bool", True, "Delete dependents of deleted owners."),
    _flag("encryption-provider-config", "path", None, "File that says which resources to encrypt in storage."),
    _flag("encryption-provider-config-automatic-reload", "bool", False, "Read that file again when it changes."),
    _planned("etcd-cafile", "path", None, "CA file for the connection to etcd."),
    _planned("etcd-certfile", "path", None, "Client certificate for etcd."),
    _flag(
        "etcd-compaction-interval",
        "duration",
        _seconds("5m0s"),
        "How often old revisions are dropped; 0: never.",
        check=checks.not_negative,
    ),
    _planned("etcd-count-metric-poll-period", "duration", _seconds("1m0s"), "How often objects are counted."),
    _planned("etcd-db-metric-poll-interval", "duration", _seconds("30s"), "How often the size of etcd is asked for."),
    _planned(
        "etcd-healthcheck-timeout",
        "duration",
        _seconds("2s"),
        "How long the storage's health check may take.",
    ),
    _planned("etcd-keyfile", "path", None, "Private key for etcd."),
    _flag("etcd-prefix", "string", "/registry", "Prefix of all keys in storage.", check=checks.storage_prefix),
    _planned(
        "etcd-readycheck-timeout",
        "duration",
        _seconds("2s"),
        "How long the storage's readiness check may take.",
    ),
    _planned("etcd-servers", "strings", (), "URLs of etcd servers."),
    _planned("etcd-servers-overrides", "strings", (), "etcd servers of single resources."),
    _planned("lease-reuse-duration-seconds", "int", 60, "How long an etcd lease is shared by keys."),
    _flag(
        "storage-backend",
        "string",
        "sqlite",
        "Where objects are kept: the name of a storage plugin. kapi's default needs no other server.",
    ),
    _flag(
        "storage-media-type",
        "string",
        "application/json",
        "Encoding of stored objects; kapi knows only JSON.",
        check=checks.one_of("application/json"),
    ),
    _planned("watch-cache", "bool", True, "Keep recent changes in memory; kapi always does."),
    _planned("watch-cache-sizes", "strings", (), "Sizes of the watch caches, as resource#size."),
)

SECURE_SERVING: Rows = (
    _flag(
        "bind-address",
        "string",
        "127.0.0.1",
        "Address to listen on. kapi's default is this machine only; 0.0.0.0 or :: for all.",
        check=checks.address,
    ),
    _flag("cert-dir", "path", None, "Folder for generated keys and certificates; default: pki in --data-dir."),
    _planned("disable-http2-serving", "bool", False, "Speak HTTP/1.1 only; kapi always does."),
    _planned("http2-max-streams-per-connection", "int", 0, "Streams in an HTTP/2 connection."),
    _planned("permit-address-sharing", "bool", False, "Listen with SO_REUSEADDR; kapi always does."),
    _flag("permit-port-sharing", "bool", False, "Listen with SO_REUSEPORT, beside other servers on the port."),
    _flag("secure-port", "int", 6443, "Port to listen on; 0: any free one, which is printed.", check=checks.port),
    _flag(
        "tls-cert-file", "path", None, "Serving certificate (PEM, intermediates after it); default: a generated one."
    ),
    _flag(
        "tls-cipher-suites",
        "strings",
        (),
        "Cipher suites for TLS 1.2, by their IANA names.",
        check=checks.cipher_suites,
    ),
    _planned("tls-curve-preferences", "strings", (), "Key exchange curves, by number."),
    _flag(
        "tls-min-version",
        "string",
        "",
        "Oldest TLS version: VersionTLS12 (default) or VersionTLS13.",
        check=checks.one_of("", "VersionTLS12", "VersionTLS13"),
    ),
    _flag("tls-private-key-file", "path", None, "Private key of the serving certificate."),
    _flag(
        "tls-sni-cert-key",
        "array",
        (),
        "Certificate and key for some host names: CERT,KEY or CERT,KEY:NAME,NAME. May be repeated.",
        check=checks.sni_pairs,
    ),
)

AUDITING: Rows = (
    _planned("audit-log-batch-buffer-size", "int", 10000, "Events held before they are written."),
    _planned("audit-log-batch-max-size", "int", 1, "Most events in one write."),
    _planned("audit-log-batch-max-wait", "duration", 0.0, "Longest wait before a write."),
    _planned("audit-log-batch-throttle-burst", "int", 0, "Writes at once before throttling."),
    _planned("audit-log-batch-throttle-enable", "bool", False, "Throttle the writes."),
    _planned("audit-log-batch-throttle-qps", "float", 0.0, "Writes a second."),
    _planned("audit-log-compress", "bool", False, "Compress rotated files."),
    _planned("audit-log-format", "string", "json", "Format of the audit log."),
    _planned("audit-log-maxage", "int", 366, "Days that rotated files are kept."),
    _planned("audit-log-maxbackup", "int", 100, "How many rotated files are kept."),
    _planned("audit-log-maxsize", "int", 100, "Megabytes before the file is rotated."),
    _planned("audit-log-mode", "string", "blocking", "Whether a request waits for its event to be written."),
    _planned("audit-log-path", "string", "", "File of the audit log; - for standard output."),
    _planned("audit-log-truncate-enabled", "bool", False, "Truncate large events."),
    _planned("audit-log-truncate-max-batch-size", "int", 10485760, "Bytes of one write."),
    _planned("audit-log-truncate-max-event-size", "int", 102400, "Bytes of one event."),
    _planned("audit-log-version", "string", "audit.k8s.io/v1", "Version of the events."),
    _planned("audit-policy-file", "path", None, "File with the audit policy."),
    _planned("audit-webhook-batch-buffer-size", "int", 10000, "Events held before they are sent."),
    _planned("audit-webhook-batch-max-size", "int", 400, "Most events in one call."),
    _planned("audit-webhook-batch-max-wait", "duration", _seconds("30s"), "Longest wait before a call."),
    _planned("audit-webhook-batch-throttle-burst", "int", 15, "Calls at once before throttling."),
    _planned("audit-webhook-batch-throttle-enable", "bool", True, "Throttle the calls."),
    _planned("audit-webhook-batch-throttle-qps", "float", 10.0, "Calls a second."),
    _planned("audit-webhook-config-file", "path", None, "Kubeconfig of the audit webhook."),
    _planned("audit-webhook-initial-backoff", "duration", _seconds("10s"), "Wait before the first retry."),
    _planned("audit-webhook-mode", "string", "batch", "Whether a request waits for its event to be sent."),
    _planned("audit-webhook-truncate-enabled", "bool", False, "Truncate large events."),
    _planned("audit-webhook-truncate-max-batch-size", "int", 10485760, "Bytes of one call."),
    _planned("audit-webhook-truncate-max-event-size", "int", 102400, "Bytes of one event."),
    _planned("audit-webhook-version", "string", "audit.k8s.io/v1", "Version of the events."),
)

FEATURES: Rows = (
    _planned("contention-profiling", "bool", False, "Profile lock contention."),
    _planned("debug-socket-path", "string", "", "Unix socket for profiling without authentication."),
    _planned(
        "enable-priority-and-fairness",
        "bool",
        True,
        "Queue requests by flow schemas; kapi counts requests in flight instead.",
    ),
    _planned("profiling", "bool", True, "Serve /debug/pprof, which only a Go program has."),
)

AUTHENTICATION: Rows = (
    _planned("anonymous-auth", "bool", True, "Accept requests without credentials as system:anonymous."),
    _flag("api-audiences", "strings", (), "Names by which tokens may address this server; default: the token issuer."),
    _planned("authentication-config", "path", None, "File with the authentication configuration."),
    _planned("authentication-token-webhook-cache-ttl", "duration", _seconds("2m0s"), "How long its answers are kept."),
    _planned("authentication-token-webhook-config-file", "path", None, "Kubeconfig of the token webhook."),
    _planned("authentication-token-webhook-version", "string", "v1beta1", "Version of TokenReview that it speaks."),
    _flag(
        "client-ca-file",
        "path",
        None,
        "CA bundle whose client certificates are accepted; default: a generated CA, "
        "of which the admin kubeconfig's certificate is.",
    ),
    _planned("enable-bootstrap-token-auth", "bool", False, "Accept bootstrap tokens kept as secrets."),
    _planned("oidc-ca-file", "path", None, "CA file of the OpenID server."),
    _planned("oidc-client-id", "string", "", "Audience that ID tokens must name."),
    _planned("oidc-groups-claim", "string", "", "Claim that holds the user's groups."),
    _planned("oidc-groups-prefix", "string", "", "Prefix for those groups."),
    _planned("oidc-issuer-url", "string", "", "URL of the OpenID issuer."),
    _planned("oidc-required-claim", "map", {}, "Claims that an ID token must have."),
    _planned("oidc-signing-algs", "strings", ("RS256",), "Accepted signature algorithms."),
    _planned("oidc-username-claim", "string", "sub", "Claim that holds the user name."),
    _planned("oidc-username-prefix", "string", "", "Prefix for user names."),
    _planned("requestheader-allowed-names", "strings", (), "Common names of accepted front proxies."),
    _planned("requestheader-client-ca-file", "path", None, "CA bundle of front proxies."),
    _planned("requestheader-extra-headers-prefix", "strings", (), "Prefixes of headers with extra user data."),
    _planned("requestheader-group-headers", "strings", (), "Headers with the user's groups."),
    _planned("requestheader-uid-headers", "strings", (), "Headers with the user's uid."),
    _planned("requestheader-username-headers", "strings", (), "Headers with the user name."),
    _flag("service-account-extend-token-expiration", "bool", True, "Give tokens that pods use a year of life."),
    _flag(
        "service-account-issuer",
        "array",
        (),
        "Issuer of service account tokens. May be repeated: the first signs, all are accepted.",
    ),
    _planned("service-account-jwks-uri", "string", "", "URL of the key set in the discovery document of the issuer."),
    _flag(
        "service-account-key-file",
        "array",
        (),
        "Key that verifies service account tokens. May be repeated. Default: the signing key.",
    ),
    _flag("service-account-lookup", "bool", True, "Check that the service account of a token still exists."),
    _flag(
        "service-account-max-token-expiration",
        "duration",
        0.0,
        "Longest life of a service account token; 0: any.",
        check=checks.not_negative,
    ),
    _planned("token-auth-file", "path", None, 'CSV file with static tokens: token,user,uid,"group,group".'),
)

AUTHORIZATION: Rows = (
    _planned("authorization-config", "path", None, "File with the chain of authorizers."),
    _flag("authorization-mode", "strings", ("RBAC",), "Authorizers to ask, in this order. kapi's default is RBAC."),
    _planned("authorization-policy-file", "path", None, "File with ABAC policies."),
    _planned("authorization-webhook-cache-authorized-ttl", "duration", _seconds("5m0s"), "How long a yes is kept."),
    _planned("authorization-webhook-cache-unauthorized-ttl", "duration", _seconds("30s"), "How long a no is kept."),
    _planned("authorization-webhook-config-file", "path", None, "Kubeconfig of the authorization webhook."),
    _planned("authorization-webhook-version", "string", "v1beta1", "Version of SubjectAccessReview that it speaks."),
)

API_ENABLEMENT: Rows = (
    _planned("runtime-config", "map", {}, "API groups and versions to switch on or off, as group/version=true."),
)

EGRESS: Rows = (_planned("egress-selector-config-file", "path", None, "File that says how to reach other networks."),)

ADMISSION: Rows = (
    _flag(
        "admission-control",
        "strings",
        (),
        "Admission controllers to run.",
        deprecated="use --enable-admission-plugins or --disable-admission-plugins",
    ),
    _planned("admission-control-config-file", "path", None, "File with the configuration of admission controllers."),
    _planned("default-not-ready-toleration-seconds", "int", 300, "How long pods stay on a node that is not ready."),
    _planned("default-unreachable-toleration-seconds", "int", 300, "How long pods stay on an unreachable node."),
    _flag("disable-admission-plugins", "strings", (), "Admission controllers to leave out, of those on by default."),
    _flag("enable-admission-plugins", "strings", (), "Admission controllers to run beside those on by default."),
)

METRICS: Rows = (
    _planned("allow-metric-labels", "map", {}, "Values that metric labels may have."),
    _planned("allow-metric-labels-manifest", "string", "", "File with such values."),
    _planned("disabled-metrics", "strings", (), "Metrics to leave out."),
    _planned("show-hidden-metrics-for-version", "string", "", "Version whose hidden metrics are shown."),
)

LOGS: Rows = (
    _planned("log-flush-frequency", "duration", _seconds("5s"), "How often logs are flushed; kapi flushes each line."),
    _planned("log-json-info-buffer-size", "string", "0", "Buffer of the JSON log."),
    _planned("log-json-split-stream", "bool", False, "Errors to stderr, the rest to stdout, in JSON."),
    _planned("log-text-info-buffer-size", "string", "0", "Buffer of the text log."),
    _planned("log-text-split-stream", "bool", False, "Errors to stderr, the rest to stdout, in text."),
    _flag("logging-format", "string", "text", "Format of the log: text or json.", check=checks.one_of("text", "json")),
    _flag(
        "v",
        "int",
        0,
        "How much to log: 0 little, 2 a line per request, 4 and more for debugging.",
        check=checks.not_negative,
    ),
    _planned("vmodule", "strings", (), "Log level of single source files."),
)

TRACES: Rows = (_planned("tracing-config-file", "path", None, "File with the configuration of tracing."),)

MISC: Rows = (
    _planned("aggregator-reject-forwarding-redirect", "bool", True, "Refuse redirects of aggregated API servers."),
    _planned("allow-privileged", "bool", False, "Let containers ask for privileged mode."),
    _planned("coordinated-leadership-lease-duration", "duration", _seconds("15s"), "Length of a coordinated lease."),
    _planned("coordinated-leadership-renew-deadline", "duration", _seconds("10s"), "When a lease must be renewed."),
    _planned("coordinated-leadership-retry-period", "duration", _seconds("2s"), "Wait between tries."),
    _planned("enable-aggregator-routing", "bool", False, "Aggregated requests go to endpoints, not the cluster IP."),
    _planned("enable-logs-handler", "bool", False, "Serve files of /var/log."),
    _planned("endpoint-reconciler-type", "string", "lease", "How endpoints of the kubernetes service are kept."),
    _flag("event-ttl", "duration", _seconds("1h0m0s"), "How long events are kept.", check=checks.positive),
    _planned("kubelet-certificate-authority", "path", None, "CA file of kubelets."),
    _planned("kubelet-client-certificate", "path", None, "Client certificate for kubelets."),
    _planned("kubelet-client-key", "path", None, "Private key for kubelets."),
    _planned(
        "kubelet-preferred-address-types",
        "strings",
        ("Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"),
        "Which node addresses to try.",
    ),
    _planned("kubelet-timeout", "duration", _seconds("5s"), "Timeout of calls to kubelets."),
    _planned("kubernetes-service-node-port", "int", 0, "Node port of the kubernetes service."),
    _planned("max-connection-bytes-per-sec", "int", 0, "Rate limit of user connections."),
    _planned("peer-advertise-ip", "string", "", "Address at which other API servers reach this one."),
    _planned("peer-advertise-port", "string", "", "Port at which they do."),
    _planned("peer-ca-file", "path", None, "CA file of other API servers."),
    _planned("proxy-client-cert-file", "path", None, "Client certificate for aggregated API servers."),
    _planned("proxy-client-key-file", "path", None, "Private key for aggregated API servers."),
    _planned("service-account-signing-endpoint", "string", "", "Socket of an external token signer."),
    _flag(
        "service-account-signing-key-file",
        "path",
        None,
        "Key that signs service account tokens; default: a generated one.",
    ),
    _flag(
        "service-cluster-ip-range",
        "string",
        "10.0.0.0/24",
        "Addresses for services: one range, or one of each family, comma separated.",
        check=checks.service_ranges,
    ),
    _flag("service-node-port-range", "string", "30000-32767", "Ports for NodePort services.", check=checks.port_range),
)

GROUPS: tuple[tuple[str, Rows], ...] = (
    ("Generic", GENERIC),
    ("Etcd", ETCD),
    ("Secure serving", SECURE_SERVING),
    ("Auditing", AUDITING),
    ("Features", FEATURES),
    ("Authentication", AUTHENTICATION),
    ("Authorization", AUTHORIZATION),
    ("API enablement", API_ENABLEMENT),
    ("Egress selector", EGRESS),
    ("Admission", ADMISSION),
    ("Metrics", METRICS),
    ("Logs", LOGS),
    ("Traces", TRACES),
    ("Misc", MISC),
)
