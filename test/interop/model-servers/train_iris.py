"""Trains a classifier of the Iris flowers and saves it: train_iris.py (joblib|mlflow) PATH"""

import sys

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

format, path = sys.argv[1:]
features, species = load_iris(return_X_y=True)
model = LogisticRegression(max_iter=1000).fit(features, species)

if format == "joblib":
    import joblib

    joblib.dump(model, path)
else:
    import mlflow.sklearn

    # The requirements are those of this Python; to find them out would take longer than all the rest.
    mlflow.sklearn.save_model(model, path, serialization_format="cloudpickle", pip_requirements=[])
