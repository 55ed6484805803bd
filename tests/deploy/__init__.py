"""What an administrator installs: image, Helm chart, alert rules, Grafana dashboard."""

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "deploy"
CHART = FOLDER / "helm" / "dratui"
