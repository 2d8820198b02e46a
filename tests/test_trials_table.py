"""For people who come from Go: each test of the ancestor, and the tests that hold the same behaviour here.

The trial plugins of the same names lie in `trials/`.
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

LOADING, RELOADING, FAILING = "test_trials_loading", "test_trials_reloading", "test_trials_failing"
OPTIONS, STATIC = "test_trials_options", "test_trials_static"

ANCESTOR: dict[str, tuple[str, ...]] = {
    # plugin_test.go
    "TestPlugin": (
        f"{LOADING}.test_lookup",
        f"{LOADING}.test_lookup_of_no_name",
        f"{LOADING}.test_lookup_with_no_type",
        f"{LOADING}.test_live_things_are_called_through_the_vault",
    ),
    # pluginManager_test.go: names and lifecycle
    "TestPluginManager_loadPlugins_conflict": (
        f"{LOADING}.test_names_that_differ_in_case_only",
        f"{LOADING}.test_newest_of_several_versions_in_different_case",
    ),
    "TestPluginManager_loadPlugins_one": (f"{LOADING}.test_one", f"{LOADING}.test_find_in_any_case"),
    "TestPluginManager_loadPlugins_two": (f"{LOADING}.test_two",),
    "TestPluginManager_loadPlugins_reload": (
        f"{RELOADING}.test_unchanged_with_and_without_brothers",
        f"{RELOADING}.test_references_are_counted",
        f"{RELOADING}.test_shared_plugin_outlives_who_shared_it",
    ),
    "TestPluginManager_loadPlugins_stubborn": (
        f"{RELOADING}.test_stubborn",
        f"{RELOADING}.test_references_of_the_not_reloadable",
    ),
    "TestPluginManager_loadPlugins_importall": (
        f"{LOADING}.test_importall",
        f"{RELOADING}.test_nothing_is_loaded_anew",
        f"{OPTIONS}.test_a_load_in_the_log",
        f"{OPTIONS}.test_a_reload_in_the_log",
    ),
    # ... imports and exports
    "TestPluginManager_loadPlugins_mismatch1": (f"{LOADING}.test_export_of_another_type",),
    "TestPluginManager_loadPlugins_mismatch2": (f"{LOADING}.test_functions_of_the_wrong_type",),
    "TestPluginManager_loadPlugins_orderPlugins": (f"{LOADING}.test_order_by_dependencies",),
    "TestPluginManager_loadPlugins_xdep_ignore": (f"{LOADING}.test_imports_chosen_at_run_time",),
    "TestPluginManager_loadPlugins_xdep_mini1": (f"{RELOADING}.test_new_imports_of_a_changed_plugin",),
    # The ancestor refuses what was rebuilt while its dependent was not; here the dependent is bound anew.
    "TestPluginManager_loadPlugins_xdep_mini2": (
        f"{RELOADING}.test_rebuilt_while_its_dependent_was_not",
        f"{RELOADING}.test_rebound_to_the_new_export",
    ),
    "TestPluginManager_loadPlugins_xdep_e1": (f"{LOADING}.test_unknown_dependency_is_not_there",),
    # Not a pointer to a struct; a typo; not reloadable. Python has no attribute without a name: an object without any.
    "TestPluginManager_loadPlugins_xdep_e2": (f"{LOADING}.test_imports_that_are_refused",),
    "TestPluginManager_loadPlugins_xdep_e3": (f"{LOADING}.test_imports_that_are_refused",),
    "TestPluginManager_loadPlugins_xdep_e4": (f"{LOADING}.test_imports_that_are_refused",),
    "TestPluginManager_loadPlugins_xdep_e5": (f"{LOADING}.test_imports_that_are_refused",),
    "TestPluginManager_loadPlugins_cyclic2": (f"{LOADING}.test_cycles",),
    "TestPluginManager_loadPlugins_cyclic3": (
        f"{LOADING}.test_cycles",
        f"{RELOADING}.test_failing_imports_of_a_reload_change_nothing",
    ),
    # ... panics. The ancestor calls OnFree of every plugin; here `on_free` runs where `on_load` has.
    "TestPluginManager_loadPlugins_panics_OnLoad": (
        f"{FAILING}.test_each_function_raises",
        f"{FAILING}.test_importers_on_load_raises",
        f"{FAILING}.test_keyboard_interrupt_is_nobodys_fault",
    ),
    "TestPluginManager_loadPlugins_panics_OnInit": (
        f"{FAILING}.test_each_function_raises",
        f"{OPTIONS}.test_failures_in_the_log",
    ),
    "TestPluginManager_loadPlugins_panics_OnFree": (f"{FAILING}.test_on_free_raises",),
    "TestPluginManager_loadPlugins_panics_Export": (f"{FAILING}.test_each_function_raises",),
    "TestPluginManager_loadPlugins_panics_Import": (f"{FAILING}.test_each_function_raises",),
    "TestPluginManager_loadPlugins_panics_Reloadable": (f"{FAILING}.test_each_function_raises",),
    "TestPluginManager_loadPlugins_panics_InvokeFunc": (
        f"{FAILING}.test_invoke_each_both_ways",
        f"{FAILING}.test_invoke_each_lets_ctrl_c_pass",
    ),
    # ... functions and live names
    "TestPluginManager_missing1": (f"{LOADING}.test_missing_functions",),
    "TestPluginManager_missing2": (f"{LOADING}.test_missing_functions",),
    "TestPluginManager_duplicateLiveFuncName": (f"{LOADING}.test_duplicate_live_names",),
    "TestPluginManager_duplicateLiveTypeName": (f"{LOADING}.test_duplicate_live_names",),
    # The ancestor panics by a switch inside itself; here the host's own code fails, after on_load and after on_init.
    "TestPluginManager_panicTrigger1": (f"{FAILING}.test_extension_raises",),
    "TestPluginManager_panicTrigger2": (f"{FAILING}.test_failure_after_on_init",),
    # pluginManagerSwapper_test.go
    "TestPluginManagerSwapper_LoadPlugins": (
        f"{LOADING}.test_directory_that_does_not_exist",
        f"{RELOADING}.test_a_life",
        f"{RELOADING}.test_free_delay",
        f"{RELOADING}.test_free_delay_of_nothing",
    ),
    # The ancestor asks the callback at the first load as well, without an old manager; here there is nothing to veto.
    "TestPluginManagerSwapper_ReloadWithCallback": (
        f"{FAILING}.test_callbacks",
        f"{FAILING}.test_extra_callback_is_not_asked_after_a_veto",
        f"{FAILING}.test_callback_may_call_both_generations",
    ),
    "TestFormatDetails": (f"{RELOADING}.test_text_of_a_report_is_sorted_by_name",),
    # staticPlugin_test.go
    "TestWithStaticPlugins": (f"{STATIC}.test_static_plugins",),
}

BESIDES: dict[str, tuple[str, ...]] = {
    # What the ancestor does without testing it.
    "OnFree in reverse order": (f"{RELOADING}.test_on_free_in_reverse_of_the_load_order",),
    "WithWhitelist": (
        f"{OPTIONS}.test_whitelist",
        f"{OPTIONS}.test_whitelisted_plugin_disappears",
        f"{OPTIONS}.test_whitelist_without_what_is_imported",
    ),
    "WithExtensionNewer": (f"{OPTIONS}.test_extension_once_per_generation",),
    "WithLogger": (f"{OPTIONS}.test_a_logger_of_one_s_own_is_the_only_one",),
    "ResetPluginDir": (f"{RELOADING}.test_changed_directory", f"{OPTIONS}.test_a_file_for_a_directory"),
    "StaticLinkingMode": (
        f"{STATIC}.test_static_mode_has_no_reload",
        f"{STATIC}.test_static_imports_and_versions",
        f"{STATIC}.test_static_plugin_without_its_functions",
        f"{STATIC}.test_static_plugin_that_raises",
        f"{STATIC}.test_static_plugins_that_do_not_fit",
        f"{STATIC}.test_static_whitelist",
        f"{STATIC}.test_two_spellings_of_a_static_name",
        f"{STATIC}.test_static_plugins_load_again",
    ),
    # What it does not do.
    "an unchanged plugin keeps the old vault": (f"{RELOADING}.test_unchanged_plugin_sees_the_new_vault",),
    "calls in flight are freed by a timer": (f"{RELOADING}.test_calls_in_flight_end_in_the_old_version",),
    "types instead of checks": (
        f"{OPTIONS}.test_nonsense_for_an_option",
        f"{OPTIONS}.test_nonsense_for_a_callback",
        f"{OPTIONS}.test_nonsense_for_a_name",
    ),
}


@pytest.mark.parametrize("table", [ANCESTOR, BESIDES], ids=["ancestor", "besides"])
def test_each_counterpart_exists(table: dict[str, tuple[str, ...]]) -> None:
    """Each test that the table names is there, and each row has one."""
    assert all(table.values())
    for name in (name for names in table.values() for name in names):
        module, _, function = name.partition(".")
        assert inspect.isfunction(getattr(importlib.import_module(module), function)), name


def test_each_trial_is_in_the_table() -> None:
    """No test of a trial plugin is missing from the table, and no trial plugin is without a test."""
    named = {name for table in (ANCESTOR, BESIDES) for names in table.values() for name in names}
    modules = [path for path in sorted(Path(__file__).parent.glob("test_trials_*.py")) if path != Path(__file__)]
    written = {
        f"{path.stem}.{name}"
        for path in modules
        for name, value in vars(importlib.import_module(path.stem)).items()
        if name.startswith("test_") and inspect.isfunction(value)
    }
    assert named == written
    sources = "".join(path.read_text("utf-8") for path in modules)
    plugins = {path.stem for path in (Path(__file__).parent / "trials").iterdir() if path.stem[0] != "_"}
    assert {name for name in plugins if f'"{name}"' not in sources} == {"exports"}


def test_counterparts_of_all_the_ancestor_has() -> None:
    """The ancestor's four test files have 37 tests, and so has the table."""
    assert len(ANCESTOR) == 37
    assert all(name.startswith("Test") for name in ANCESTOR)
