"""Keys that a Label Studio 1.23.2 server was recorded to answer with (its community edition, asked by its SDK 2.1.2)."""


def _keys(names: str) -> set[str]:
    return set(names.split())


WHOAMI = _keys(
    "id first_name last_name username email last_activity avatar initials phone active_organization active_organization_meta "
    "allow_newsletters date_joined custom_hotkeys permissions"
)
USER = WHOAMI - {"permissions"}
COUNTS = _keys(
    "task_number finished_task_number total_predictions_number total_annotations_number num_tasks_with_annotations "
    "useful_annotation_number ground_truth_number skipped_annotations_number"
)
PROJECT = COUNTS | _keys(
    "id title description label_config parsed_label_config control_weights expert_instruction show_instruction show_skip_button "
    "enable_empty_annotation show_annotation_history organization color maximum_annotations is_published is_draft model_version "
    "created_by created_at min_annotations_to_start_training start_training_on_annotation_update show_collab_predictions "
    "evaluate_predictions_automatically reveal_preannotations_interactively sampling skip_queue show_ground_truth_first "
    "show_overlap_first overlap_cohort_percentage annotator_evaluation_enabled task_data_login task_data_password "
    "config_has_control_tags config_suitable_for_bulk_annotation pinned_at state queue_total queue_done"
)
PAGE = _keys("count next previous results")
TASK = _keys(
    "id data meta project created_at updated_at is_labeled overlap inner_id total_annotations cancelled_annotations total_predictions "
    "comment_count unresolved_comment_count last_comment_updated_at updated_by file_upload comment_authors"
)
WHOLE_TASK = TASK | _keys(
    "predictions annotations drafts annotators completed_at annotations_results predictions_results predictions_score annotations_ids "
    "predictions_model_versions avg_lead_time draft_exists storage_filename"
)
NEXT_TASK = TASK | _keys("predictions annotations drafts unique_lock_id queue")
TASKS = _keys("tasks total total_annotations total_predictions")
ANNOTATION = _keys(
    "id result task project completed_by created_username created_ago was_cancelled ground_truth created_at updated_at "
    "draft_created_at lead_time import_id last_action bulk_created updated_by parent_prediction parent_annotation last_created_by"
)
PREDICTION = _keys(
    "id result score model_version model model_run cluster neighbors mislabeling created_ago created_at updated_at task project"
)
DRAFT = _keys("id user created_username created_ago result lead_time was_postponed import_id created_at updated_at task annotation")
IMPORTED = _keys("task_count annotation_count prediction_count duration file_upload_ids could_be_tasks_list found_formats data_columns")
ERROR = _keys("id status_code version detail exc_info")
