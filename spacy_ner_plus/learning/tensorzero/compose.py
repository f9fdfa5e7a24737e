"""The compose file with gateway and ClickHouse."""

from collections.abc import Sequence

_COMPOSE = """\
# Made by `spacy-ner-plus llm tensorzero`, after TensorZero's documentation. NOT RUN: nothing of it was started by
# those who wrote it. Set the passwords in the environment or in a file .env beside this one:
#   CLICKHOUSE_PASSWORD=...
{lines}#   docker compose up
services:
  clickhouse:
    image: clickhouse/clickhouse-server:24.12-alpine
    environment:
      CLICKHOUSE_USER: tensorzero
      CLICKHOUSE_PASSWORD: ${{CLICKHOUSE_PASSWORD:?set it in .env}}
      CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT: 1
    volumes:
      - clickhouse-data:/var/lib/clickhouse
    ulimits:
      nofile:
        soft: 262144
        hard: 262144
    healthcheck:
      test: wget --spider --tries 1 http://localhost:8123/ping
      start_period: 30s
      start_interval: 1s
      timeout: 1s

  gateway:
    image: tensorzero/gateway:2026.6.0
    command: --config-file /app/config/tensorzero.toml
    volumes:
      - ./config:/app/config:ro
    environment:
      TENSORZERO_CLICKHOUSE_URL: http://tensorzero:${{CLICKHOUSE_PASSWORD}}@clickhouse:8123/tensorzero
{keys}    ports:
      # On this machine alone: whoever reaches the gateway may use the keys behind it.
      - "127.0.0.1:3000:3000"
    extra_hosts:
      - "host.docker.internal:host-gateway"
    depends_on:
      clickhouse:
        condition: service_healthy

volumes:
  clickhouse-data:
"""


def compose_file(keys: Sequence[str]) -> str:
    """RETURNS (str): The file, which holds no secret.

    keys (Sequence[str]): The environment variables with keys of servers behind the gateway.
    """
    return _COMPOSE.format(
        lines="".join(f"#   {key}=...\n" for key in keys),
        keys="".join(f"      {key}: ${{{key}:?set it in .env}}\n" for key in keys),
    )
