"""What the library promises, and the tests that attack each promise.

``python tests/promises.py`` counts the attacks and writes book/rely.csv, the table of the page
"What you can rely on". A case of a parametrised test is one attack.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "book" / "rely.csv"

#: (promise, what is tried, the tests; those of random input have 50 cases each, see conftest.py)
PROMISES: list[tuple[str, str, str]] = [
    (
        "A run that ends is a run that is kept",
        "folders that are files, links to nowhere, read-only or full disks, and folders that "
        "vanish while the run trains; packages that are missing; measures that fail",
        """test_run_is_kept_if_the_folder_fails_while_it_trains
        test_run_is_kept_if_measuring_fails
        test_missing_extra_is_noticed_before_the_first_epoch
        test_record_goes_to_a_safe_place_if_its_folder_fails
        test_record_that_can_be_written_nowhere_is_in_the_error
        test_unwritable_folder_is_reported_before_the_first_run
        test_read_only_disk_is_reported_before_the_first_run
        test_full_disk_fails_runs_and_leaves_no_half_written_files
        test_record_that_cannot_be_written_is_kept_elsewhere
        test_what_bears_the_name_of_a_record_does_not_lose_one
        test_run_that_cannot_be_measured_is_kept_without_measures
        test_a_closed_stream_does_not_end_a_run
        test_a_full_disk_for_the_output_is_one_line
        test_run_without_memory_fails_with_a_hint_and_the_sweep_goes_on""",
    ),
    (
        "Nothing is half written",
        "writes that fail in the middle, processes that are killed while they write, packing "
        "while others write",
        """test_failed_write_leaves_no_file
        test_failed_write_keeps_the_earlier_record
        test_packing_in_two_processes_while_records_are_written_loses_none
        test_old_half_written_files_are_removed
        test_half_written_files_are_dated_by_the_clock_of_their_disk""",
    ),
    (
        "A record is replaced only when you ask, and never one of a newer version",
        "the same config again, from Python and from the command line; records of a later schema",
        """test_train_replaces_a_record_only_when_asked
        test_second_record_of_a_config_replaces_the_first_only_when_asked
        test_record_of_a_newer_schema_is_never_replaced
        test_record_of_a_newer_umixup_is_left_alone
        test_a_packed_record_is_replaced_in_its_packed_file
        test_a_record_in_a_file_of_another_name_is_not_replaced
        test_train_does_not_begin_if_its_record_has_no_place
        test_pack_leaves_a_record_that_took_the_place_of_a_packed_one
        test_a_record_is_written_under_the_hash_of_a_config_alone""",
    ),
    (
        "A record is judged when it is read; what is wrong is named, and the rest is read",
        "impossible values in every field, damaged and nested JSON, folders, pipes and links named "
        "as records, folders that may not be read; and any value or byte changed at random",
        """test_files_that_are_not_records_are_skipped_with_a_warning
        test_odd_entries_of_a_folder_are_left_out_by_name
        test_unreadable_folder_is_an_error_and_not_empty
        test_packed_line_that_is_not_a_record_is_reported
        test_record_is_read_as_it_was_written
        test_record_with_any_value_changed_is_left_out_or_still_possible
        test_record_with_any_bytes_changed_is_left_out_or_still_possible""",
    ),
    (
        "One config has one hash",
        "random policies, nested mixtures and configs, as text, as JSON and as objects; any text "
        "for a scheme; any value for any field",
        """test_text_of_a_scheme_reads_back_as_the_same_scheme
        test_any_text_is_a_scheme_or_an_error_that_points_at_it
        test_config_has_one_hash_as_object_as_json_and_with_its_fields_in_any_order
        test_any_value_of_a_field_is_taken_or_refused_by_name
        test_every_recorded_config_still_has_its_hash""",
    ),
    (
        "Runs that differ in their data or their precision are not averaged",
        "images that change between two sweeps, workers with other data, records of both kinds in "
        "one folder",
        """test_runs_on_other_data_or_in_other_precision_are_not_averaged
        test_runs_on_changed_data_do_not_join_the_recorded_ones
        test_worker_with_other_data_fails_the_run
        test_arithmetic_is_the_precision_that_was_used""",
    ),
    (
        "Images and labels are what the disk says",
        "swapped and rewritten files of equal size and time, loops of links, folders that may not "
        "be read, photographs on their side, transparency, frames, sixteen bits, damaged and "
        "disguised files, caches with a flipped bit",
        """test_a_cache_is_stale_though_names_sizes_and_times_are_equal
        test_a_flipped_bit_in_a_cache_changes_no_image
        test_the_cache_of_another_side_or_another_pil_is_not_used
        test_a_link_by_which_a_folder_comes_twice_is_refused
        test_a_broken_link_is_named_wherever_it_is
        test_a_folder_that_may_not_be_read_is_named
        test_images_are_turned_upright
        test_an_image_with_damaged_exif_data_is_read
        test_dropped_transparency_is_said_once_with_the_number_of_files
        test_of_several_frames_the_first_is_read_and_that_is_said_once
        test_other_colours_become_rgb
        test_colours_of_sixteen_bits_keep_their_upper_eight
        test_whatever_is_wrong_with_an_image_the_error_names_it
        test_images_that_do_not_fit_into_memory_are_an_error
        test_a_pipe_named_as_an_image_is_refused
        test_an_incomplete_jpeg_copy_of_cifar10_is_refused
        test_damaged_image_is_refused_by_name_or_has_the_shape_of_an_image""",
    ),
    (
        "Data are verified before they are opened, and nothing in them is executed",
        "swapped, truncated and foreign files, pickles that run code, downloads that break off",
        """test_swapped_parts_and_packed_files_are_named_by_their_digest
        test_only_verified_files_of_mnist_are_read
        test_a_foreign_pickle_is_not_executed
        test_only_fetch_downloads_and_only_when_a_file_is_missing
        test_a_failed_download_leaves_nothing
        test_a_server_that_keeps_silent_is_not_waited_for""",
    ),
    (
        "A checkpoint is whole, of this run, and possible, or the one before it is used",
        "flipped, missing, added and zeroed bytes; states with keys, shapes and values that no "
        "run has; other runs' files; files of a newer version",
        """test_any_change_of_a_file_is_noticed
        test_damaged_checkpoint_is_noticed
        test_a_changed_weight_of_an_old_checkpoint_is_noticed
        test_a_state_that_is_not_that_of_a_run_is_named_and_the_one_before_is_used
        test_what_is_not_a_checkpoint_is_named_and_the_one_before_is_used
        test_a_checkpoint_of_a_newer_umixup_is_refused_and_left_alone
        test_a_checkpoint_that_may_not_be_read_is_not_taken_for_damaged_or_missing
        test_error_for_a_checkpoint_of_another_config_names_the_field
        test_a_checkpoint_of_other_data_is_refused
        test_a_folder_that_another_run_uses_is_refused""",
    ),
    (
        "A checkpoint that cannot be written does not end the run",
        "disks that fill up, folders that vanish or become files while the run trains",
        """test_a_checkpoint_that_cannot_be_written_does_not_end_the_run
        test_a_folder_that_is_removed_in_the_middle_is_made_again
        test_ctrl_c_says_so_if_no_checkpoint_can_be_written
        test_a_folder_that_cannot_be_written_to_is_refused_before_the_first_epoch
        test_a_folder_without_space_for_a_checkpoint_is_refused""",
    ),
    (
        "A run that is stopped or killed goes on to the same bits",
        "kill -9, Ctrl-C and SIGTERM at many moments, in an epoch, a test and a save; compiled "
        "runs; another layout of memory",
        """test_resuming_from_a_checkpoint_gives_the_same_bits
        test_resuming_a_compiled_run_gives_the_same_bits
        test_a_run_can_be_resumed_in_another_memory_layout
        test_resuming_a_killed_run_gives_the_same_bits
        test_a_stopped_run_is_saved_and_resumed_to_the_same_bits""",
    ),
    (
        "Nothing hangs",
        "Ctrl-C while the command starts, while workers start and run, twice in a row; no Slurm, "
        "no Dask workers, schedulers and workers that die, scripts without a guard",
        """test_ctrl_c_ends_the_command_at_any_moment_with_one_line
        test_ctrl_c_without_checkpoints_stops_at_once
        test_a_late_second_ctrl_c_stops_at_once
        test_a_signal_ends_the_command_with_one_line
        test_address_without_a_dask_scheduler_is_an_error_in_time
        test_scheduler_without_workers_is_reported_and_given_up
        test_slurm_that_gives_no_workers_is_an_error
        test_killed_worker_costs_one_attempt_of_one_run
        test_workers_killed_without_a_run_are_replaced
        test_workers_end_with_the_driver_and_a_rerun_completes
        test_workers_that_do_not_start_stop_the_sweep
        test_script_without_a_main_guard_is_told_to_have_one
        test_lost_dask_scheduler_stops_the_sweep_and_a_rerun_completes""",
    ),
    (
        "What you can cause is said in one line",
        "arguments out of range, missing and empty paths, odd encodings, keys given twice, memory, "
        "disk, network, output that nobody reads; random arguments",
        """test_invalid_options_are_refused
        test_an_argument_that_train_cannot_use_is_named_at_once
        test_a_config_that_needs_more_memory_than_there_is_names_its_fields
        test_failure_prints_its_reason_and_has_its_exit_status
        test_what_a_user_can_cause_is_one_line
        test_output_may_end_before_the_command_does
        test_output_survives_a_terminal_without_greek
        test_any_arguments_of_the_command_end_in_a_status""",
    ),
    (
        "Mixing mixes what it can and refuses the rest by name",
        "containers of every kind, integers, boxes, complex and nested tensors, lists, arrays, "
        "token numbers; labels of every kind; infinities",
        """test_every_tensor_of_a_container_is_mixed_with_the_same_pairs
        test_integer_tensor_without_a_rule_is_refused_by_its_name
        test_what_cannot_be_mixed_is_a_type_error_that_says_what_to_do
        test_invalid_batches_are_refused
        test_what_is_of_another_kind_is_refused_by_name
        test_boxes_are_refused
        test_nested_tensors_are_refused
        test_infinities_stay_infinities
        test_a_mixer_resumes_from_its_state
        test_a_seeded_mixer_in_a_thread_leaves_the_global_generator_alone""",
    ),
]


def attacks() -> Counter[str]:
    """How many cases each test has, by its name."""
    command = [sys.executable, "-m", "pytest", "tests", "--collect-only", "-q", "-p", "no:xdist"]
    markers = ["-m", "process or not process", "-o", "addopts="]
    done = subprocess.run(
        [*command, *markers], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = (line.partition("::")[2].partition("[")[0] for line in done.stdout.splitlines())
    return Counter(name for name in names if name)


def table() -> list[tuple[str, str, str]]:
    """The rows of the page's table."""
    counted, random = attacks(), _random()
    rows = []
    for promise, tried, tests in PROMISES:
        names = tests.split()
        missing = [name for name in names if not counted[name]]
        if missing:
            raise LookupError(f"{promise}: no test is called {', '.join(missing)}")
        fixed = sum(counted[name] for name in names if name not in random)
        drawn = sum(name in random for name in names)
        times = [_many(fixed, "attack", "attacks")] if fixed else []
        times += [_many(drawn, "kind of random ones", "kinds of random ones")] if drawn else []
        rows.append((promise, tried, " and ".join(times)))
    return rows


def _many(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _random() -> set[str]:
    """The tests of random input."""
    text = (ROOT / "tests" / "test_fuzz.py").read_text(encoding="utf-8")
    return {line[4:].partition("(")[0] for line in text.splitlines() if line.startswith("def test")}


def main() -> None:
    """Write the table."""
    rows = [("promise", "what is tried", "how often"), *table()]
    with FILE.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
