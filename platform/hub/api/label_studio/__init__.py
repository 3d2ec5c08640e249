"""Label Studio's own API over our campaigns, so that its SDK and people's scripts go on working.

A project is a campaign, a task a task, an annotation what one member answered to a task, a prediction a proposal. Keys and statuses are
those that Label Studio 1.23.2 was recorded to answer; the rules are ours. docs/label-studio.md says what differs.
"""
