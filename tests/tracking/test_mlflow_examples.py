"""Scripts in the habits of MLflow's examples, with only their import changed: each runs and records what it says.

One for each example that real projects start from; written here, after their names and calls.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import tracking
from tracking.cli.carry import change_imports, find_problems
from tracking.sklearn import autologging

SCRIPTS = {
    "quickstart/mlflow_tracking": """
import os
from random import randint, random
from mlflow import log_artifacts, log_metric, log_param

log_param("config_value", randint(0, 100))
for value in (random(), random() + 1, random() + 2):
    log_metric("accuracy", value)
os.makedirs("outputs", exist_ok=True)
with open("outputs/test.txt", "w") as f:
    f.write("hello world!")
log_artifacts("outputs")
""",
    "sklearn_elasticnet_wine": """
import sys
import pandas as pd
from sklearn.linear_model import ElasticNet
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from sklearn.model_selection import train_test_split
from urllib.parse import urlparse
import mlflow
import mlflow.sklearn
from mlflow.models import infer_signature

data = pd.read_csv("wine.csv")
train, test = train_test_split(data, random_state=0)
train_x, test_x = train.drop(["quality"], axis=1), test.drop(["quality"], axis=1)
alpha, l1_ratio = 0.5, 0.5
with mlflow.start_run():
    lr = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, random_state=42)
    lr.fit(train_x, train["quality"])
    predicted = lr.predict(test_x)
    mlflow.log_param("alpha", alpha)
    mlflow.log_metric("mae", mean_absolute_error(test["quality"], predicted))
    mlflow.log_metric("r2", r2_score(test["quality"], predicted))
    signature = infer_signature(train_x, lr.predict(train_x))
    if urlparse(mlflow.get_tracking_uri()).scheme != "file":
        mlflow.sklearn.log_model(lr, name="model", registered_model_name="ElasticnetWineModel", signature=signature)
    else:
        mlflow.sklearn.log_model(lr, name="model", signature=signature)
assert mlflow.pyfunc.load_model("models:/ElasticnetWineModel/1").predict(test_x).tolist() == predicted.tolist()
""",
    "sklearn_elasticnet_diabetes": """
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet, enet_path
import mlflow
import mlflow.sklearn

X, y = load_diabetes(return_X_y=True)
model = ElasticNet(alpha=0.05, l1_ratio=0.05).fit(X, y)
mlflow.log_param("alpha", 0.05)
mlflow.sklearn.log_model(model, name="model")
alphas, coefs, _ = enet_path(X, y, l1_ratio=0.05)
figure = plt.figure()
plt.plot(alphas, coefs.T)
figure.savefig("ElasticNet-paths.png")
plt.close(figure)
mlflow.log_artifact("ElasticNet-paths.png")
mlflow.end_run()
""",
    "sklearn_logistic_regression": """
import numpy as np
from sklearn.linear_model import LogisticRegression
import mlflow
import mlflow.sklearn
from mlflow.models import infer_signature

X = np.array([-2, -1, 0, 1, 2, 1]).reshape(-1, 1)
y = np.array([0, 0, 1, 1, 1, 0])
lr = LogisticRegression()
lr.fit(X, y)
mlflow.log_metric("score", lr.score(X, y))
model_info = mlflow.sklearn.log_model(lr, name="model", signature=infer_signature(X, lr.predict(X)))
print("Model saved in run", mlflow.active_run().info.run_id, model_info.model_uri)
mlflow.end_run()
""",
    "sklearn_autolog/linear_regression": """
import numpy as np
from sklearn.linear_model import LinearRegression
import mlflow

mlflow.sklearn.autolog()
X = np.array([[1, 1], [1, 2], [2, 2], [2, 3]])
y = np.dot(X, np.array([1, 2])) + 3
model = LinearRegression()
with mlflow.start_run() as run:
    model.fit(X, y)
client = mlflow.MlflowClient()
data = client.get_run(run.info.run_id).data
assert data.metrics["training_r2_score"] == 1.0
assert data.params["fit_intercept"] == "True"
assert [f.path for f in client.list_artifacts(run.info.run_id, "model")]
""",
    "sklearn_autolog/pipeline": """
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
import mlflow

mlflow.sklearn.autolog()
X = np.array([[1, 1], [1, 2], [2, 2], [2, 3]])
pipe = Pipeline([("scaler", StandardScaler()), ("lr", LinearRegression())])
with mlflow.start_run() as run:
    pipe.fit(X, np.dot(X, np.array([1, 2])) + 3)
assert mlflow.get_run(run.info.run_id).data.params["scaler__with_mean"] == "True"
""",
    "sklearn_autolog/grid_search_cv": """
from sklearn import datasets, svm
from sklearn.model_selection import GridSearchCV
import mlflow

mlflow.sklearn.autolog()
iris = datasets.load_iris()
clf = GridSearchCV(svm.SVC(), {"kernel": ("linear", "rbf"), "C": [1, 10]}, cv=3)
clf.fit(iris.data, iris.target)
run_id = mlflow.last_active_run().info.run_id
children = mlflow.search_runs(filter_string=f"tags.mlflow.parentRunId = '{run_id}'")
assert len(children) == 4
assert mlflow.get_run(run_id).data.params["best_C"] in ("1", "10")
""",
    "mlflow-3/load_model_from_runs_uri": """
from sklearn.linear_model import LinearRegression
import mlflow

class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input

with mlflow.start_run() as run:
    mlflow.pyfunc.log_model(name="model", python_model=Model())
    mlflow.sklearn.log_model(LinearRegression().fit([[0], [1]], [0, 1]), name="other")
model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
assert model.predict("hello") == "hello"
""",
    "mlflow-3/register_model": """
from sklearn.linear_model import LinearRegression
import mlflow
from mlflow import MlflowClient

with mlflow.start_run() as run:
    info = mlflow.sklearn.log_model(LinearRegression().fit([[0], [1]], [0, 1]), name="model")
version = mlflow.register_model(info.model_uri, name="linear")
client = MlflowClient()
client.set_registered_model_alias("linear", "champion", version.version)
assert mlflow.sklearn.load_model("models:/linear@champion").predict([[2]]).round(6).tolist() == [2]
""",
    "pip_requirements": """
import tempfile
from sklearn.linear_model import LinearRegression
import mlflow

def requirements(info):
    with open(mlflow.pyfunc.get_model_dependencies(info.model_uri)) as file:
        return file.read().splitlines()

model = LinearRegression().fit([[0], [1]], [0, 1])
with mlflow.start_run():
    assert any(line.startswith("scikit-learn==") for line in requirements(mlflow.sklearn.log_model(model, name="a")))
    given = mlflow.sklearn.log_model(model, name="b", pip_requirements=["scikit-learn"])
    assert requirements(given) == ["scikit-learn"]
    extra = requirements(mlflow.sklearn.log_model(model, name="c", extra_pip_requirements=["lxml"]))
    assert "lxml" in extra and len(extra) > 1
    with open("requirements.txt", "w") as file:
        file.write("numpy")
    assert requirements(mlflow.sklearn.log_model(model, name="d", pip_requirements="requirements.txt")) == ["numpy"]
""",
    "evaluation/evaluate_on_regressor": """
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
import mlflow
from mlflow.models import infer_signature

X, y = load_diabetes(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.33, random_state=42)
with mlflow.start_run():
    model = LinearRegression().fit(X_train, y_train)
    info = mlflow.sklearn.log_model(model, name="model", signature=infer_signature(X_train, model.predict(X_train)))
    eval_data = X_test
    eval_data["label"] = y_test
    dataset = mlflow.data.from_pandas(eval_data, targets="label", name="eval")
    mlflow.log_input(dataset, context="evaluation")
    result = mlflow.models.evaluate(
        info.model_uri, eval_data, targets="label", model_type="regressor", evaluators=["default"]
    )
print(result.metrics, result.artifacts)
assert "r2_score" in result.metrics
""",
    "xgboost/xgboost_sklearn": """
from sklearn.datasets import load_diabetes
import xgboost as xgb
import mlflow
import mlflow.xgboost
from mlflow.models import infer_signature

X, y = load_diabetes(return_X_y=True, as_frame=True)
with mlflow.start_run() as run:
    regressor = xgb.XGBRegressor(n_estimators=5, random_state=42).fit(X, y)
    info = mlflow.xgboost.log_model(regressor, name="model", signature=infer_signature(X, regressor.predict(X)))
    mlflow.log_metric("mse", 1.0)
assert mlflow.xgboost.load_model(info.model_uri).predict(X).tolist() == regressor.predict(X).tolist()
""",
    "lightgbm/lightgbm_sklearn": """
from sklearn.datasets import load_diabetes
import lightgbm as lgb
import mlflow
import mlflow.lightgbm

X, y = load_diabetes(return_X_y=True, as_frame=True)
mlflow.lightgbm.autolog()
with mlflow.start_run() as run:
    regressor = lgb.LGBMRegressor(n_estimators=5, verbose=-1)
    regressor.fit(X, y)
    mlflow.log_metric("mse", 1.0)
assert mlflow.lightgbm.load_model(f"runs:/{run.info.run_id}/model").predict(X).tolist() == regressor.predict(X).tolist()
""",
    "catboost": """
from catboost import CatBoostRegressor
from sklearn.datasets import load_diabetes
import mlflow
import mlflow.catboost

X, y = load_diabetes(return_X_y=True)
with mlflow.start_run() as run:
    model = CatBoostRegressor(iterations=5, verbose=False, allow_writing_files=False).fit(X, y)
    info = mlflow.catboost.log_model(model, name="model")
assert mlflow.catboost.load_model(info.model_uri).predict(X).tolist() == model.predict(X).tolist()
""",
    "pyfunc/train": """
import os
from typing import Any
import mlflow
from mlflow.models import infer_signature
from mlflow.pyfunc import PythonModel, PythonModelContext
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

class CustomPredict(PythonModel):
    def load_context(self, context: PythonModelContext) -> None:
        self.model = mlflow.sklearn.load_model(context.artifacts["custom_model"])

    def predict(self, context, model_input, params: dict[str, Any] | None = None):
        method = (params or {}).get("predict_method", "predict")
        return getattr(self.model, method)(model_input)

X, y = load_iris(return_X_y=True, as_frame=True)
with mlflow.start_run():
    fitted = LogisticRegression(max_iter=1000).fit(X, y)
    mlflow.sklearn.save_model(fitted, "core_model")
    info = mlflow.pyfunc.log_model(
        name="model",
        python_model=CustomPredict(),
        artifacts={"custom_model": "core_model"},
        signature=infer_signature(X, params={"predict_method": "predict_proba"}),
        input_example=X[:3],
    )
loaded = mlflow.pyfunc.load_model(info.model_uri)
assert loaded.predict(X[:5], params={"predict_method": "predict_proba"}).shape == (5, 3)
assert loaded.predict(X[:5]).tolist() == fitted.predict(X[:5]).tolist()
""",
}
NEEDS = {"xgboost/xgboost_sklearn": "xgboost", "lightgbm/lightgbm_sklearn": "lightgbm", "catboost": "catboost"}


@pytest.fixture(autouse=True)
def no_autolog() -> Iterator[None]:
    yield
    for kind, fit in autologging._originals.items():
        kind.fit = fit  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_example_runs_with_its_import_changed(name: str, tmp_path: Path) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    pd.DataFrame({"acid": [1.0, 2, 3, 4] * 5, "sugar": range(20), "quality": range(20)}).to_csv("wine.csv", index=False)

    run_carried(SCRIPTS[name])

    runs = tracking.search_runs(search_all_experiments=True, output_format="list")
    assert runs
    assert {run.info.status for run in runs} <= {
        "FINISHED",
        "RUNNING",
    }  # one begun without `with` ends with the program


def run_carried(script: str) -> None:
    """Run a script of MLflow as `carry` prints it, in which nothing may be named that is not here."""
    tree = ast.parse(script)
    assert list(find_problems(tree)) == []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the libraries are not what is tested
        exec(compile(change_imports(script, tree), "script.py", "exec"), {"__name__": "__main__"})
    while tracking.active_run():
        tracking.end_run()
