{{- define "order-service.selector" -}}
app.kubernetes.io/name: order-service
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "order-service.labels" -}}
{{ include "order-service.selector" . }}
app.kubernetes.io/part-of: dualtrack
app.kubernetes.io/component: order-service
{{- end -}}
