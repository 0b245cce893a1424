{{- define "base.labels" -}}
app.kubernetes.io/part-of: dualtrack
app.kubernetes.io/component: base
{{- end -}}
