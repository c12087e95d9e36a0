package cpcads.flink.postgres;

import java.util.List;

/** One row as PostgreSQL should hold it: its values in the order of the table's columns, and its primary key. */
record Row(List<Object> key, Object[] values) {}
