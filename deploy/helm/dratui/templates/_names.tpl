{{/* The agent's objects: dratui-agent for a release called dratui. */}}
{{- define "dratui.agent" -}}
{{- $base := contains "dratui" .Release.Name | ternary .Release.Name (printf "%s-dratui" .Release.Name) -}}
{{- printf "%s-agent" ($base | trunc 50 | trimSuffix "-") -}}
{{- end -}}

{{/* What selects the agent's pods; dratui finds them by the first. */}}
{{- define "dratui.selector" -}}
app.kubernetes.io/name: dratui-agent
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "dratui.labels" -}}
{{ include "dratui.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: dratui
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* The port's name tells dratui and Prometheus whether it speaks TLS. */}}
{{- define "dratui.port" -}}
{{- .Values.web.tls.secretName | empty | ternary "metrics" "https" -}}
{{- end -}}

{{/* Not empty if the agent asks the API server. */}}
{{- define "dratui.asks" -}}
{{- if or .Values.kubeletPlugin.enabled .Values.web.bearerTokens (and .Values.attribution.enabled .Values.attribution.apiServer) }}yes{{ end -}}
{{- end -}}

{{/* The newest version of resource.k8s.io that the cluster has; without a cluster, by its release. */}}
{{- define "dratui.resourceApi" -}}
{{- $found := "" -}}
{{- range $version := list "v1beta1" "v1beta2" "v1" -}}
{{- if $.Capabilities.APIVersions.Has (printf "resource.k8s.io/%s" $version) }}{{ $found = $version }}{{ end -}}
{{- end -}}
resource.k8s.io/{{ $found | default (semverCompare ">=1.34-0" .Capabilities.KubeVersion.Version | ternary "v1" "v1beta1") }}
{{- end -}}

{{/* Folders of CDI specs that the agent sees. */}}
{{- define "dratui.cdi" -}}
{{- $dirs := .Values.attribution.enabled | ternary .Values.attribution.cdiDirs list -}}
{{- if .Values.kubeletPlugin.enabled }}{{ $dirs = append $dirs .Values.kubeletPlugin.cdiDir | uniq }}{{ end -}}
{{- toJson $dirs -}}
{{- end -}}

{{/* Not empty if the agent needs a web.config.yml. */}}
{{- define "dratui.web" -}}
{{- with .Values.web -}}
{{- if .tls.secretName }}
tls_server_config:
  cert_file: /etc/dratui-agent/tls/tls.crt
  key_file: /etc/dratui-agent/tls/tls.key
  min_version: {{ .tls.minVersion }}
  {{- if .tls.requireClientCertificates }}
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: /etc/dratui-agent/tls/ca.crt
  {{- end }}
{{- end }}
{{- with .users }}
basic_auth_users:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* How Prometheus scrapes: of a PodMonitor or ServiceMonitor, whose values are .monitor. */}}
{{- define "dratui.endpoint" -}}
{{- $tls := .root.Values.web.tls -}}
{{- if and (or .root.Values.web.users .root.Values.web.bearerTokens) (not .monitor.basicAuth) (not .monitor.authorization) }}
{{- fail "the agents want a log-in (web.users, web.bearerTokens): give the monitor's basicAuth or authorization" }}
{{- end -}}
port: {{ include "dratui.port" .root }}
path: /metrics
interval: {{ .monitor.interval }}
# A device's namespace and pod are those of its holder. Prometheus' own would stand in for a device that nobody holds.
honorLabels: true
relabelings:
- {sourceLabels: [__meta_kubernetes_pod_node_name], targetLabel: node}
- {action: labeldrop, regex: namespace|pod|container}
{{- with .monitor.relabelings }}
{{ toYaml . }}
{{- end }}
{{- if $tls.secretName }}
scheme: https
tlsConfig:
  {{- with .monitor.tlsConfig }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  ca: {secret: {name: {{ $tls.secretName }}, key: ca.crt}}
  serverName: {{ include "dratui.agent" .root }}.{{ .root.Release.Namespace }}.svc
  {{- end }}
{{- end }}
{{- with .monitor.basicAuth }}
basicAuth:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .monitor.authorization }}
authorization:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
