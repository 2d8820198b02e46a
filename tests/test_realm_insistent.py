"""Extensions that insist on the name they were compiled with, as the one inside cv2 does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from realmkit import OpenRealm, make_libraries, open_realm
from test_realm_native import SUFFIX, compiled

__all__ = ["open_realm"]

INSISTENT = """
#include <Python.h>
#include <string.h>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "cv2", NULL, -1, NULL, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_cv2(void) {
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL || strcmp(PyModule_GetName(module), "cv2")) {
        PyErr_SetString(PyExc_ImportError, "not the name it was compiled with");
        return NULL;
    }
    PyObject *part = PyImport_AddModule("cv2.part");
    if (part == NULL || PyModule_AddIntConstant(part, "made", 1) < 0) return NULL;
    if (PyModule_AddObject(module, "part", Py_NewRef(part)) < 0) return NULL;
    return module;
}
"""
PACKAGE = """
import os, sys, importlib, copy
before = copy.copy(sys.path)
sys.path.insert(1, os.path.dirname(__file__))
package = sys.modules.pop(__name__)
native = importlib.import_module("cv2")
sys.modules["cv2"] = package
sys.path = before
made = sys.modules.pop("cv2.part")
part = importlib.import_module("cv2.part")
part.made = made.made
"""


@pytest.mark.parametrize("hosts", [False, True], ids=["alone", "beside the host's"])
def test_insistent(open_realm: OpenRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hosts: bool) -> None:
    """It gets its name, and neither it nor its parts are there for the host or take anything of the host's."""
    monkeypatch.syspath_prepend(tmp_path / "host")
    for name in ("__init__", "part"):
        file = tmp_path / "host" / "cv2" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    if hosts:
        __import__("cv2.part")

    def state() -> dict[str, Any]:
        found = {str(name): module for name, module in list(sys.modules.items()) if type(name) is str}
        return {name: (module, dict(vars(module))) for name, module in found.items() if name.startswith("cv2")}

    before, path = state(), list(sys.path)
    extension = compiled(tmp_path, "cv2", INSISTENT)
    seen = []
    try:
        for version in ("1", "2"):
            files: dict[str, str | bytes] = {
                "cv2/__init__.py": PACKAGE,
                "cv2/part.py": "",
                f"cv2/cv2{SUFFIX}": extension,
            }
            libraries = make_libraries(tmp_path / version, ("opencv", version, files))
            code = "import cv2\ndef run(): return cv2, cv2.part, cv2.native\n"
            realm = open_realm("alpha", version, code, libraries=libraries)
            package, part, native = realm.load("alpha").run()
            assert (part.made, native.part.made, native is not package) == (1, 1, True)
            assert realm.libraries is not None
            assert (native.__name__, native.__name__ == "cv2") == (f"{realm.libraries.name}.cv2", True)
            assert (state(), sys.path) == (before, path)
            seen += [package, part, native, native.part]
            realm.close()
        assert len(set(map(id, seen))) == 8
        assert state() == before
    finally:
        for name in [name for name in list(sys.modules) if name.partition(".")[0] == "cv2"]:
            del sys.modules[name]
