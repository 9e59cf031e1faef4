"""An Airflow DAG: the night's photos, then whatever needs them.

SEGMIND_API_KEY comes from the worker's environment, never from the command line.  A night without anything to do
ends with 99, which BashOperator shows as skipped; 4 (cap) and 10 (window) fail the task, so that somebody looks.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

HOME = "/srv/photobatch"

with DAG(
    dag_id="product_photos",
    schedule="30 22 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # a missed night needs no repetition: the next one does the difference
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=30)},
) as dag:
    photos = BashOperator(
        task_id="photos",
        bash_command="photobatch nightly nightly.toml --deadline 7h --empty-exit 99 --json",
        cwd=HOME,
        skip_on_exit_code=99,
        append_env=True,
        execution_timeout=timedelta(hours=8),
    )
    shop_file = BashOperator(
        task_id="shop_file",
        bash_command="photobatch export out/shop --to shopify --image-base https://cdn.example.com -o shopify.csv",
        cwd=HOME,
        append_env=True,
    )
    photos >> shop_file
