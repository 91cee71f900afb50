-- SPDX-License-Identifier: GPL-3.0-or-later
-- Tables of OpenEMR 8.2 that the APIs touch, for the demo and the tests. Made with tests/support/schema_from_contract.py.
SET sql_mode='';
CREATE TABLE `addresses` (
  `id` int(11) NOT NULL DEFAULT '0',
  `line1` varchar(255) NULL,
  `line2` varchar(255) NULL,
  `city` varchar(255) NULL,
  `state` varchar(35) NULL,
  `zip` varchar(10) NULL,
  `plus_four` varchar(4) NULL,
  `country` varchar(255) NULL,
  `foreign_id` int(11) NULL,
  `district` varchar(255) NULL,
  PRIMARY KEY (`id`),
  KEY `foreign_id` (`foreign_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `api_log` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `log_id` int(11) NOT NULL,
  `user_id` bigint(20) NOT NULL,
  `patient_id` bigint(20) NOT NULL,
  `ip_address` varchar(255) NOT NULL,
  `method` varchar(20) NOT NULL,
  `request` varchar(255) NOT NULL,
  `request_url` text NULL,
  `request_body` longtext NULL,
  `response` longtext NULL,
  `created_time` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `api_refresh_token` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `user_id` varchar(40) NULL,
  `client_id` varchar(80) NULL,
  `token` varchar(128) NOT NULL,
  `expiry` datetime NULL,
  `revoked` tinyint(1) NOT NULL DEFAULT '0',
  PRIMARY KEY (`id`),
  KEY `api_refresh_token_usr_client_idx` (`client_id`, `user_id`),
  UNIQUE KEY `token` (`token`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `api_token` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `user_id` varchar(40) NULL,
  `token` varchar(128) NULL,
  `expiry` datetime NULL,
  `client_id` varchar(80) NULL,
  `scope` text NULL,
  `revoked` tinyint(1) NOT NULL DEFAULT '0',
  `context` text NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `token` (`token`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `background_services` (
  `name` varchar(31) NOT NULL,
  `title` varchar(127) NOT NULL,
  `active` tinyint(1) NOT NULL DEFAULT '0',
  `running` tinyint(1) NOT NULL DEFAULT '-1',
  `next_run` timestamp NOT NULL DEFAULT current_timestamp(),
  `execute_interval` int(11) NOT NULL DEFAULT '0',
  `function` varchar(127) NOT NULL,
  `require_once` varchar(255) NULL,
  `sort_order` int(11) NOT NULL DEFAULT '100',
  `lock_expires_at` datetime NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `batchcom` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `patient_id` bigint(20) NOT NULL DEFAULT '0',
  `sent_by` bigint(20) NOT NULL DEFAULT '0',
  `msg_type` varchar(60) NULL,
  `msg_subject` varchar(255) NULL,
  `msg_text` mediumtext NULL,
  `msg_date_sent` datetime NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `care_team_member` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `care_team_id` int(11) NOT NULL,
  `user_id` bigint(20) NULL,
  `contact_id` bigint(20) NULL,
  `role` varchar(50) NOT NULL,
  `facility_id` bigint(20) NULL,
  `provider_since` date NULL,
  `status` varchar(100) NULL DEFAULT 'active',
  `date_created` datetime NULL DEFAULT current_timestamp(),
  `date_updated` datetime NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `created_by` bigint(20) NULL,
  `updated_by` bigint(20) NULL,
  `note` text NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `care_team_member_unique` (`care_team_id`, `user_id`, `facility_id`, `contact_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `care_teams` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `pid` int(11) NOT NULL,
  `status` varchar(100) NULL DEFAULT 'active',
  `team_name` varchar(255) NULL,
  `note` text NULL,
  `date_created` datetime NULL DEFAULT current_timestamp(),
  `date_updated` datetime NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `created_by` bigint(20) NULL,
  `updated_by` bigint(20) NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `categories` (
  `id` int(11) NOT NULL DEFAULT '0',
  `name` varchar(255) NULL,
  `value` varchar(255) NULL,
  `parent` int(11) NOT NULL DEFAULT '0',
  `lft` int(11) NOT NULL DEFAULT '0',
  `rght` int(11) NOT NULL DEFAULT '0',
  `aco_spec` varchar(63) NOT NULL DEFAULT 'patients|docs',
  `codes` varchar(255) NOT NULL DEFAULT '',
  PRIMARY KEY (`id`),
  KEY `lft` (`lft`, `rght`),
  KEY `parent` (`parent`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `categories_to_documents` (
  `category_id` int(11) NOT NULL DEFAULT '0',
  `document_id` int(11) NOT NULL DEFAULT '0',
  PRIMARY KEY (`category_id`, `document_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `ccda` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `pid` bigint(20) NULL,
  `encounter` bigint(20) NULL,
  `ccda_data` longtext NULL,
  `time` varchar(50) NULL,
  `status` smallint(6) NULL,
  `updated_date` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `user_id` varchar(50) NULL,
  `couch_docid` varchar(100) NULL,
  `couch_revid` varchar(100) NULL,
  `hash` varchar(255) NULL,
  `view` tinyint(4) NOT NULL DEFAULT '0',
  `transfer` tinyint(4) NOT NULL DEFAULT '0',
  `emr_transfer` tinyint(4) NOT NULL DEFAULT '0',
  `encrypted` tinyint(4) NOT NULL DEFAULT '0',
  `transaction_id` bigint(20) NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `unique_key` (`pid`, `encounter`, `time`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `claims` (
  `patient_id` bigint(20) NOT NULL,
  `encounter_id` int(11) NOT NULL,
  `version` int(10) unsigned NOT NULL,
  `payer_id` int(11) NOT NULL DEFAULT '0',
  `status` tinyint(2) NOT NULL DEFAULT '0',
  `payer_type` tinyint(4) NOT NULL DEFAULT '0',
  `bill_process` tinyint(2) NOT NULL DEFAULT '0',
  `bill_time` datetime NULL,
  `process_time` datetime NULL,
  `process_file` varchar(255) NULL,
  `target` varchar(30) NULL,
  `x12_partner_id` int(11) NOT NULL DEFAULT '0',
  `submitted_claim` text NULL,
  PRIMARY KEY (`patient_id`, `encounter_id`, `version`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `clinical_notes_documents` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `clinical_note_id` bigint(20) NOT NULL,
  `document_id` bigint(20) NOT NULL,
  `created_at` timestamp NOT NULL DEFAULT current_timestamp(),
  `created_by` varchar(255) NULL,
  PRIMARY KEY (`id`),
  KEY `idx_clinical_note_id` (`clinical_note_id`),
  KEY `idx_created_at` (`created_at`),
  KEY `idx_document_id` (`document_id`),
  UNIQUE KEY `unique_note_document` (`clinical_note_id`, `document_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `clinical_notes_procedure_results` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `clinical_note_id` bigint(20) NOT NULL,
  `procedure_result_id` bigint(20) NOT NULL,
  `created_at` timestamp NOT NULL DEFAULT current_timestamp(),
  `created_by` varchar(255) NULL,
  PRIMARY KEY (`id`),
  KEY `idx_clinical_note_id` (`clinical_note_id`),
  KEY `idx_created_at` (`created_at`),
  KEY `idx_procedure_result_id` (`procedure_result_id`),
  UNIQUE KEY `unique_note_result` (`clinical_note_id`, `procedure_result_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `code_types` (
  `ct_key` varchar(15) NOT NULL,
  `ct_id` int(11) NOT NULL,
  `ct_seq` int(11) NOT NULL DEFAULT '0',
  `ct_mod` int(11) NOT NULL DEFAULT '0',
  `ct_just` varchar(15) NOT NULL DEFAULT '',
  `ct_mask` varchar(9) NOT NULL DEFAULT '',
  `ct_fee` tinyint(1) NOT NULL DEFAULT '0',
  `ct_rel` tinyint(1) NOT NULL DEFAULT '0',
  `ct_nofs` tinyint(1) NOT NULL DEFAULT '0',
  `ct_diag` tinyint(1) NOT NULL DEFAULT '0',
  `ct_active` tinyint(1) NOT NULL DEFAULT '1',
  `ct_label` varchar(31) NOT NULL DEFAULT '',
  `ct_external` tinyint(1) NOT NULL DEFAULT '0',
  `ct_claim` tinyint(1) NOT NULL DEFAULT '0',
  `ct_proc` tinyint(1) NOT NULL DEFAULT '0',
  `ct_term` tinyint(1) NOT NULL DEFAULT '0',
  `ct_problem` tinyint(1) NOT NULL DEFAULT '0',
  `ct_drug` tinyint(1) NOT NULL DEFAULT '0',
  PRIMARY KEY (`ct_key`),
  UNIQUE KEY `ct_id` (`ct_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `codes` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `code_text` text NULL,
  `code_text_short` text NULL,
  `code` varchar(25) NOT NULL DEFAULT '',
  `code_type` smallint(6) NULL,
  `modifier` varchar(12) NOT NULL DEFAULT '',
  `units` int(11) NULL,
  `fee` decimal(12,2) NULL,
  `superbill` varchar(31) NOT NULL DEFAULT '',
  `related_code` varchar(255) NOT NULL DEFAULT '',
  `taxrates` varchar(255) NOT NULL DEFAULT '',
  `cyp_factor` float NOT NULL DEFAULT '0',
  `active` tinyint(1) NULL DEFAULT '1',
  `reportable` tinyint(1) NULL DEFAULT '0',
  `financial_reporting` tinyint(1) NULL DEFAULT '0',
  `revenue_code` varchar(6) NOT NULL DEFAULT '',
  PRIMARY KEY (`id`),
  KEY `code` (`code`),
  KEY `code_type` (`code_type`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `contact` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `foreign_table_name` varchar(255) NOT NULL DEFAULT '',
  `foreign_id` bigint(20) NOT NULL DEFAULT '0',
  PRIMARY KEY (`id`),
  KEY `foreign_id` (`foreign_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `contact_address` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `contact_id` bigint(20) NOT NULL,
  `address_id` bigint(20) NOT NULL,
  `priority` int(11) NULL,
  `type` varchar(255) NULL,
  `use` varchar(255) NULL,
  `notes` tinytext NULL,
  `status` char(1) NULL,
  `is_primary` char(1) NULL,
  `period_start` datetime NULL,
  `period_end` datetime NULL,
  `inactivated_reason` varchar(45) NULL,
  `created_date` datetime NOT NULL DEFAULT current_timestamp(),
  `created_by` bigint(20) NULL,
  `updated_date` datetime NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `updated_by` bigint(20) NULL,
  PRIMARY KEY (`id`),
  KEY `address_id` (`address_id`),
  KEY `contact_address_idx` (`contact_id`, `address_id`),
  KEY `contact_id` (`contact_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `contact_relation` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `contact_id` bigint(20) NOT NULL,
  `target_table` varchar(255) NOT NULL DEFAULT '',
  `target_id` bigint(20) NOT NULL,
  `active` tinyint(1) NULL DEFAULT '1',
  `role` varchar(63) NULL,
  `relationship` varchar(63) NULL,
  `contact_priority` int(11) NULL DEFAULT '1',
  `is_primary_contact` tinyint(1) NULL DEFAULT '0',
  `is_emergency_contact` tinyint(1) NULL DEFAULT '0',
  `can_make_medical_decisions` tinyint(1) NULL DEFAULT '0',
  `can_receive_medical_info` tinyint(1) NULL DEFAULT '0',
  `start_date` datetime NULL,
  `end_date` datetime NULL,
  `notes` text NULL,
  `created_date` datetime NOT NULL DEFAULT current_timestamp(),
  `created_by` bigint(20) NULL,
  `updated_date` datetime NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `updated_by` bigint(20) NULL,
  PRIMARY KEY (`id`),
  KEY `contact_id` (`contact_id`),
  KEY `idx_contact_target_table` (`target_table`, `target_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `contact_telecom` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `contact_id` bigint(20) NOT NULL,
  `rank` int(11) NULL,
  `system` varchar(255) NULL,
  `use` varchar(255) NULL,
  `value` varchar(255) NULL,
  `status` char(1) NULL,
  `is_primary` char(1) NULL,
  `notes` tinytext NULL,
  `period_start` datetime NULL,
  `period_end` datetime NULL,
  `inactivated_reason` varchar(45) NULL,
  `created_date` datetime NOT NULL DEFAULT current_timestamp(),
  `created_by` bigint(20) NULL,
  `updated_date` datetime NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `updated_by` bigint(20) NULL,
  PRIMARY KEY (`id`),
  KEY `contact_id` (`contact_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `documents` (
  `id` int(11) NOT NULL DEFAULT '0',
  `uuid` binary(16) NULL,
  `type` enum('file_url','blob','web_url') NULL,
  `size` int(11) NULL,
  `date` datetime NULL,
  `date_expires` datetime NULL,
  `url` varchar(255) NULL,
  `thumb_url` varchar(255) NULL,
  `mimetype` varchar(255) NULL,
  `pages` int(11) NULL,
  `owner` int(11) NULL,
  `revision` timestamp NOT NULL,
  `foreign_id` bigint(20) NULL,
  `docdate` date NULL,
  `hash` varchar(255) NULL,
  `list_id` bigint(20) NOT NULL DEFAULT '0',
  `name` varchar(255) NULL,
  `drive_uuid` binary(16) NULL,
  `couch_docid` varchar(100) NULL,
  `couch_revid` varchar(100) NULL,
  `storagemethod` tinyint(4) NOT NULL DEFAULT '0',
  `path_depth` tinyint(4) NULL DEFAULT '1',
  `imported` tinyint(4) NULL DEFAULT '0',
  `encounter_id` bigint(20) NOT NULL DEFAULT '0',
  `encounter_check` tinyint(1) NOT NULL DEFAULT '0',
  `audit_master_approval_status` tinyint(4) NOT NULL DEFAULT '1',
  `audit_master_id` int(11) NULL,
  `documentationOf` varchar(255) NULL,
  `encrypted` tinyint(4) NOT NULL DEFAULT '0',
  `document_data` mediumtext NULL,
  `deleted` tinyint(1) NOT NULL DEFAULT '0',
  `foreign_reference_id` bigint(20) NULL,
  `foreign_reference_table` varchar(40) NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `drive_uuid` (`drive_uuid`),
  KEY `foreign_id` (`foreign_id`),
  KEY `foreign_reference` (`foreign_reference_id`, `foreign_reference_table`),
  KEY `owner` (`owner`),
  KEY `revision` (`revision`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `drug_inventory` (
  `inventory_id` int(11) NOT NULL AUTO_INCREMENT,
  `drug_id` int(11) NOT NULL,
  `lot_number` varchar(20) NULL,
  `expiration` date NULL,
  `manufacturer` varchar(255) NULL,
  `on_hand` int(11) NOT NULL DEFAULT '0',
  `warehouse_id` varchar(31) NOT NULL DEFAULT '',
  `vendor_id` bigint(20) NOT NULL DEFAULT '0',
  `last_notify` date NULL,
  `destroy_date` date NULL,
  `destroy_method` varchar(255) NULL,
  `destroy_witness` varchar(255) NULL,
  `destroy_notes` varchar(255) NULL,
  PRIMARY KEY (`inventory_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `drug_sales` (
  `uuid` binary(16) NULL,
  `sale_id` int(11) NOT NULL AUTO_INCREMENT,
  `drug_id` int(11) NOT NULL,
  `inventory_id` int(11) NOT NULL,
  `prescription_id` int(11) NOT NULL DEFAULT '0',
  `pid` bigint(20) NOT NULL DEFAULT '0',
  `encounter` int(11) NOT NULL DEFAULT '0',
  `user` varchar(255) NULL,
  `sale_date` date NOT NULL,
  `quantity` int(11) NOT NULL DEFAULT '0',
  `fee` decimal(12,2) NOT NULL DEFAULT '0.00',
  `billed` tinyint(1) NOT NULL DEFAULT '0',
  `xfer_inventory_id` int(11) NOT NULL DEFAULT '0',
  `distributor_id` bigint(20) NOT NULL DEFAULT '0',
  `notes` varchar(255) NOT NULL DEFAULT '',
  `bill_date` datetime NULL,
  `pricelevel` varchar(31) NULL DEFAULT '',
  `selector` varchar(255) NULL DEFAULT '',
  `trans_type` tinyint(4) NOT NULL DEFAULT '1',
  `chargecat` varchar(31) NULL DEFAULT '',
  `pharmacy_supply_type` varchar(50) NULL,
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `date_created` datetime NOT NULL DEFAULT current_timestamp(),
  `updated_by` bigint(20) NULL,
  `created_by` bigint(20) NULL,
  PRIMARY KEY (`sale_id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `drugs` (
  `drug_id` int(11) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `name` varchar(255) NOT NULL DEFAULT '',
  `ndc_number` varchar(20) NOT NULL DEFAULT '',
  `on_order` int(11) NOT NULL DEFAULT '0',
  `reorder_point` float NOT NULL DEFAULT '0',
  `max_level` float NOT NULL DEFAULT '0',
  `last_notify` date NULL,
  `reactions` text NULL,
  `form` varchar(31) NOT NULL DEFAULT '0',
  `size` varchar(25) NOT NULL DEFAULT '',
  `unit` varchar(31) NOT NULL DEFAULT '0',
  `route` varchar(31) NOT NULL DEFAULT '0',
  `substitute` int(11) NOT NULL DEFAULT '0',
  `related_code` varchar(255) NOT NULL DEFAULT '',
  `cyp_factor` float NOT NULL DEFAULT '0',
  `active` tinyint(1) NULL DEFAULT '1',
  `allow_combining` tinyint(1) NOT NULL DEFAULT '0',
  `allow_multiple` tinyint(1) NOT NULL DEFAULT '1',
  `drug_code` varchar(25) NULL,
  `consumable` tinyint(1) NOT NULL DEFAULT '0',
  `dispensable` tinyint(1) NOT NULL DEFAULT '1',
  `date_created` datetime NOT NULL DEFAULT current_timestamp(),
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (`drug_id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `dsi_source_attributes` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `client_id` varchar(80) NOT NULL,
  `list_id` varchar(100) NOT NULL,
  `option_id` varchar(100) NOT NULL,
  `clinical_rule_id` varchar(31) NULL,
  `source_value` text NULL,
  `created_by` bigint(20) NULL,
  `last_updated_by` bigint(20) NULL,
  `created_at` timestamp NULL DEFAULT current_timestamp(),
  `last_updated_at` timestamp NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (`id`),
  UNIQUE KEY `list_id` (`list_id`, `option_id`, `client_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `employer_data` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `name` varchar(255) NULL,
  `street` varchar(255) NULL,
  `street_line_2` tinytext NULL,
  `postal_code` varchar(255) NULL,
  `city` varchar(255) NULL,
  `state` varchar(255) NULL,
  `country` varchar(255) NULL,
  `date` datetime NULL,
  `pid` bigint(20) NOT NULL DEFAULT '0',
  `start_date` datetime NULL,
  `end_date` datetime NULL,
  `occupation` longtext NULL,
  `industry` text NULL,
  `created_by` int(11) NULL,
  PRIMARY KEY (`id`),
  KEY `pid` (`pid`),
  UNIQUE KEY `uuid_unique` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `export_job` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `user_id` varchar(40) NOT NULL,
  `client_id` varchar(80) NOT NULL,
  `status` varchar(40) NOT NULL,
  `start_time` datetime NULL,
  `resource_include_time` datetime NULL,
  `output_format` varchar(128) NOT NULL,
  `request_uri` varchar(128) NOT NULL,
  `resources` text NULL,
  `output` text NULL,
  `errors` text NULL,
  `access_token_id` text NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `extended_log` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `date` datetime NULL,
  `event` varchar(255) NULL,
  `user` varchar(255) NULL,
  `recipient` varchar(255) NULL,
  `description` longtext NULL,
  `patient_id` bigint(20) NULL,
  PRIMARY KEY (`id`),
  KEY `patient_id` (`patient_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `facility` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `name` varchar(255) NULL,
  `phone` varchar(30) NULL,
  `fax` varchar(30) NULL,
  `street` varchar(255) NULL,
  `city` varchar(255) NULL,
  `state` varchar(50) NULL,
  `postal_code` varchar(11) NULL,
  `country_code` varchar(30) NOT NULL DEFAULT '',
  `federal_ein` varchar(15) NULL,
  `website` varchar(255) NULL,
  `email` varchar(255) NULL,
  `service_location` tinyint(1) NOT NULL DEFAULT '1',
  `billing_location` tinyint(1) NOT NULL DEFAULT '1',
  `accepts_assignment` tinyint(1) NOT NULL DEFAULT '1',
  `pos_code` tinyint(4) NULL,
  `x12_sender_id` varchar(25) NULL,
  `attn` varchar(65) NULL,
  `domain_identifier` varchar(60) NULL,
  `facility_npi` varchar(15) NULL,
  `facility_taxonomy` varchar(15) NULL,
  `tax_id_type` varchar(31) NOT NULL DEFAULT '',
  `color` varchar(7) NOT NULL DEFAULT '',
  `primary_business_entity` int(10) NOT NULL DEFAULT '1',
  `facility_code` varchar(31) NULL,
  `extra_validation` tinyint(1) NOT NULL DEFAULT '1',
  `mail_street` varchar(30) NULL,
  `mail_street2` varchar(30) NULL,
  `mail_city` varchar(50) NULL,
  `mail_state` varchar(3) NULL,
  `mail_zip` varchar(10) NULL,
  `oid` varchar(255) NOT NULL DEFAULT '',
  `iban` varchar(50) NULL,
  `info` text NULL,
  `weno_id` varchar(10) NULL,
  `inactive` tinyint(1) NOT NULL DEFAULT '0',
  `date_created` datetime NOT NULL DEFAULT current_timestamp(),
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `organization_type` varchar(50) NOT NULL DEFAULT 'prov',
  PRIMARY KEY (`id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `facility_user_ids` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uid` bigint(20) NULL,
  `facility_id` bigint(20) NULL,
  `uuid` binary(16) NULL,
  `field_id` varchar(31) NOT NULL,
  `field_value` text NULL,
  `date_created` datetime NOT NULL DEFAULT current_timestamp(),
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (`id`),
  KEY `uid` (`uid`, `facility_id`, `field_id`),
  KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `form_care_plan` (
  `id` bigint(20) NOT NULL,
  `date` datetime NULL,
  `pid` bigint(20) NULL,
  `encounter` varchar(255) NULL,
  `user` varchar(255) NULL,
  `groupname` varchar(255) NULL,
  `authorized` tinyint(4) NULL,
  `activity` tinyint(4) NULL,
  `code` varchar(255) NULL,
  `codetext` text NULL,
  `description` text NULL,
  `external_id` varchar(30) NULL,
  `care_plan_type` varchar(30) NULL,
  `note_related_to` text NULL,
  `date_end` datetime NULL,
  `reason_code` varchar(31) NULL,
  `reason_description` text NULL,
  `reason_date_low` datetime NULL,
  `reason_date_high` datetime NULL,
  `reason_status` varchar(31) NULL,
  `plan_status` varchar(32) NULL,
  `proposed_date` datetime NULL,
  KEY `idx_status_date` (`plan_status`, `date`, `date_end`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `form_clinical_notes` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `form_id` bigint(20) NOT NULL,
  `uuid` binary(16) NULL,
  `date` date NULL,
  `pid` bigint(20) NULL,
  `encounter` varchar(255) NULL,
  `user` varchar(255) NULL,
  `groupname` varchar(255) NULL,
  `authorized` tinyint(4) NULL,
  `activity` tinyint(4) NULL,
  `code` varchar(255) NULL,
  `codetext` text NULL,
  `description` text NULL,
  `external_id` varchar(30) NULL,
  `clinical_notes_type` varchar(100) NULL,
  `clinical_notes_category` varchar(100) NULL,
  `note_related_to` text NULL,
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (`id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `form_encounter` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `date` datetime NULL,
  `reason` longtext NULL,
  `facility` longtext NULL,
  `facility_id` int(11) NOT NULL DEFAULT '0',
  `pid` bigint(20) NULL,
  `encounter` bigint(20) NULL,
  `onset_date` datetime NULL,
  `sensitivity` varchar(30) NULL,
  `billing_note` text NULL,
  `pc_catid` int(11) NOT NULL DEFAULT '5',
  `last_level_billed` int(11) NOT NULL DEFAULT '0',
  `last_level_closed` int(11) NOT NULL DEFAULT '0',
  `last_stmt_date` date NULL,
  `stmt_count` int(11) NOT NULL DEFAULT '0',
  `provider_id` int(11) NULL DEFAULT '0',
  `supervisor_id` int(11) NULL DEFAULT '0',
  `invoice_refno` varchar(31) NOT NULL DEFAULT '',
  `referral_source` varchar(31) NOT NULL DEFAULT '',
  `billing_facility` int(11) NOT NULL DEFAULT '0',
  `external_id` varchar(20) NULL,
  `pos_code` tinyint(4) NULL,
  `parent_encounter_id` bigint(20) NULL,
  `class_code` varchar(10) NOT NULL DEFAULT 'AMB',
  `shift` varchar(31) NOT NULL DEFAULT '',
  `voucher_number` varchar(255) NOT NULL DEFAULT '',
  `discharge_disposition` varchar(100) NULL,
  `encounter_type_code` varchar(31) NULL,
  `encounter_type_description` text NULL,
  `referring_provider_id` int(11) NULL DEFAULT '0',
  `date_end` datetime NULL,
  `in_collection` tinyint(1) NULL,
  `last_update` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `ordering_provider_id` int(11) NULL DEFAULT '0',
  PRIMARY KEY (`id`),
  KEY `encounter_date` (`date`),
  KEY `pid_encounter` (`pid`, `encounter`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `form_history_sdoh` (
  `id` bigint(21) unsigned NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `pid` int(10) unsigned NOT NULL,
  `encounter` int(10) unsigned NULL,
  `created_at` datetime NOT NULL DEFAULT current_timestamp(),
  `updated_at` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `created_by` int(10) unsigned NULL,
  `updated_by` int(10) unsigned NULL,
  `assessment_date` date NULL,
  `screening_tool` varchar(255) NULL,
  `assessor` varchar(255) NULL,
  `food_insecurity` varchar(50) NULL,
  `food_insecurity_notes` text NULL,
  `housing_instability` varchar(50) NULL,
  `housing_instability_notes` text NULL,
  `transportation_insecurity` varchar(50) NULL,
  `transportation_insecurity_notes` text NULL,
  `utilities_insecurity` varchar(50) NULL,
  `utilities_insecurity_notes` text NULL,
  `interpersonal_safety` varchar(50) NULL,
  `interpersonal_safety_notes` text NULL,
  `financial_strain` varchar(50) NULL,
  `financial_strain_notes` text NULL,
  `social_isolation` varchar(50) NULL,
  `social_isolation_notes` text NULL,
  `childcare_needs` varchar(50) NULL,
  `childcare_needs_notes` text NULL,
  `digital_access` varchar(50) NULL,
  `digital_access_notes` text NULL,
  `employment_status` varchar(50) NULL,
  `education_level` varchar(50) NULL,
  `caregiver_status` varchar(20) NULL,
  `veteran_status` varchar(20) NULL,
  `pregnancy_status` varchar(20) NULL,
  `pregnancy_edd` date NULL,
  `pregnancy_intent` varchar(32) NULL,
  `postpartum_status` varchar(20) NULL,
  `postpartum_end` date NULL,
  `goals` text NULL,
  `interventions` text NULL,
  `instrument_score` int(11) NULL,
  `positive_domain_count` int(11) NULL,
  `declined_flag` tinyint(1) NULL,
  `disability_status` varchar(50) NULL,
  `disability_status_notes` text NULL,
  `disability_scale` text NULL,
  `hunger_q1` varchar(50) NULL,
  `hunger_q2` varchar(50) NULL,
  `hunger_score` int(11) NULL,
  PRIMARY KEY (`id`),
  KEY `assessment_idx` (`assessment_date`),
  KEY `encounter_idx` (`encounter`),
  KEY `pid_idx` (`pid`),
  KEY `uuid_idx` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `form_observation` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `form_id` bigint(20) NOT NULL,
  `date` datetime NULL,
  `pid` bigint(20) NULL,
  `encounter` varchar(255) NULL,
  `user` varchar(255) NULL,
  `groupname` varchar(255) NULL,
  `authorized` tinyint(4) NULL,
  `activity` tinyint(4) NULL,
  `code` varchar(255) NULL,
  `observation` varchar(255) NULL,
  `ob_value` varchar(255) NULL,
  `ob_unit` varchar(255) NULL,
  `description` varchar(255) NULL,
  `code_type` varchar(255) NULL,
  `table_code` varchar(255) NULL,
  `ob_code` varchar(64) NULL,
  `ob_type` varchar(64) NULL,
  `ob_status` varchar(32) NULL,
  `result_status` varchar(32) NULL,
  `ob_reason_status` varchar(32) NULL,
  `ob_reason_code` varchar(64) NULL,
  `ob_reason_text` text NULL,
  `ob_documentationof_table` varchar(255) NULL,
  `ob_documentationof_table_id` bigint(21) NULL,
  `date_end` datetime NULL,
  `parent_observation_id` bigint(20) NULL,
  `category` varchar(64) NULL,
  `questionnaire_response_id` bigint(21) NULL,
  `ob_value_code_description` varchar(255) NULL,
  PRIMARY KEY (`id`),
  KEY `idx_category` (`category`),
  KEY `idx_date` (`date`),
  KEY `idx_form_id` (`form_id`),
  KEY `idx_parent_observation` (`parent_observation_id`),
  KEY `idx_pid_encounter` (`pid`, `encounter`),
  KEY `idx_questionnaire_response` (`questionnaire_response_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `form_questionnaire_assessments` (
  `id` bigint(21) NOT NULL AUTO_INCREMENT,
  `date` datetime NULL DEFAULT current_timestamp(),
  `response_id` text NULL,
  `pid` bigint(21) NOT NULL DEFAULT '0',
  `user` varchar(255) NULL,
  `groupname` varchar(255) NULL,
  `authorized` tinyint(4) NOT NULL DEFAULT '0',
  `activity` tinyint(4) NOT NULL DEFAULT '1',
  `copyright` text NULL,
  `form_name` varchar(255) NULL,
  `response_meta` text NULL,
  `questionnaire_id` text NULL,
  `questionnaire` longtext NULL,
  `questionnaire_response` longtext NULL,
  `lform` longtext NULL,
  `lform_response` longtext NULL,
  `category` varchar(64) NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `form_soap` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `date` datetime NULL,
  `pid` bigint(20) NULL DEFAULT '0',
  `user` varchar(255) NULL,
  `groupname` varchar(255) NULL,
  `authorized` tinyint(4) NULL DEFAULT '0',
  `activity` tinyint(4) NULL DEFAULT '0',
  `subjective` text NULL,
  `objective` text NULL,
  `assessment` text NULL,
  `plan` text NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `form_vital_details` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `form_id` bigint(20) NOT NULL,
  `vitals_column` varchar(64) NOT NULL,
  `interpretation_list_id` varchar(100) NULL,
  `interpretation_option_id` varchar(100) NULL,
  `interpretation_codes` varchar(255) NULL,
  `interpretation_title` varchar(255) NULL,
  `reason_code` varchar(31) NULL,
  `reason_description` text NULL,
  `reason_status` varchar(31) NULL,
  PRIMARY KEY (`id`),
  KEY `fk_form_id` (`form_id`),
  KEY `fk_list_options_id` (`interpretation_list_id`, `interpretation_option_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `form_vitals` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `date` datetime NULL,
  `pid` bigint(20) NULL DEFAULT '0',
  `user` varchar(255) NULL,
  `groupname` varchar(255) NULL,
  `authorized` tinyint(4) NULL DEFAULT '0',
  `activity` tinyint(4) NULL DEFAULT '0',
  `bps` varchar(40) NULL,
  `bpd` varchar(40) NULL,
  `weight` decimal(12,6) NULL DEFAULT '0.000000',
  `height` decimal(12,6) NULL DEFAULT '0.000000',
  `temperature` decimal(12,6) NULL DEFAULT '0.000000',
  `temp_method` varchar(255) NULL,
  `pulse` decimal(12,6) NULL DEFAULT '0.000000',
  `respiration` decimal(12,6) NULL DEFAULT '0.000000',
  `note` varchar(255) NULL,
  `BMI` decimal(12,6) NULL DEFAULT '0.000000',
  `BMI_status` varchar(255) NULL,
  `waist_circ` decimal(12,6) NULL DEFAULT '0.000000',
  `head_circ` decimal(12,6) NULL DEFAULT '0.000000',
  `oxygen_saturation` decimal(6,2) NULL DEFAULT '0.00',
  `oxygen_flow_rate` decimal(12,6) NULL DEFAULT '0.000000',
  `external_id` varchar(20) NULL,
  `ped_weight_height` decimal(6,2) NULL DEFAULT '0.00',
  `ped_bmi` decimal(6,2) NULL DEFAULT '0.00',
  `ped_head_circ` decimal(6,2) NULL DEFAULT '0.00',
  `inhaled_oxygen_concentration` decimal(6,2) NULL DEFAULT '0.00',
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (`id`),
  KEY `pid` (`pid`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `form_vitals_calculation` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `encounter` bigint(20) NULL,
  `pid` bigint(20) NOT NULL,
  `date_start` datetime NULL,
  `date_end` datetime NULL,
  `created_at` datetime NULL,
  `updated_at` datetime NULL,
  `created_by` bigint(20) NULL,
  `updated_by` bigint(20) NULL,
  `calculation_id` varchar(64) NULL,
  PRIMARY KEY (`id`),
  KEY `idx_calculation_id` (`calculation_id`),
  KEY `idx_encounter` (`encounter`),
  KEY `idx_pid` (`pid`),
  UNIQUE KEY `unq_uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `form_vitals_calculation_components` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `fvc_uuid` binary(16) NOT NULL,
  `vitals_column` varchar(64) NOT NULL,
  `value` decimal(12,6) NULL,
  `value_string` varchar(255) NULL,
  `value_unit` varchar(16) NULL,
  `component_order` int(11) NOT NULL DEFAULT '0',
  PRIMARY KEY (`id`),
  KEY `idx_component_order` (`fvc_uuid`, `component_order`),
  KEY `idx_vitals_column` (`vitals_column`),
  UNIQUE KEY `unq_fvc_component` (`fvc_uuid`, `vitals_column`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `form_vitals_calculation_form_vitals` (
  `fvc_uuid` binary(16) NOT NULL,
  `vitals_id` bigint(20) NOT NULL,
  PRIMARY KEY (`fvc_uuid`, `vitals_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `forms` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `date` datetime NULL,
  `encounter` bigint(20) NULL,
  `form_name` longtext NULL,
  `form_id` bigint(20) NULL,
  `pid` bigint(20) NULL,
  `user` varchar(255) NULL,
  `groupname` varchar(255) NULL,
  `authorized` tinyint(4) NULL,
  `deleted` tinyint(4) NOT NULL DEFAULT '0',
  `formdir` longtext NULL,
  `therapy_group_id` int(11) NULL,
  `issue_id` bigint(20) NOT NULL DEFAULT '0',
  `provider_id` bigint(20) NOT NULL DEFAULT '0',
  PRIMARY KEY (`id`),
  KEY `form_id` (`form_id`),
  KEY `pid_encounter` (`pid`, `encounter`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_acl` (
  `id` int(11) NOT NULL DEFAULT '0',
  `section_value` varchar(150) NOT NULL DEFAULT 'system',
  `allow` int(11) NOT NULL DEFAULT '0',
  `enabled` int(11) NOT NULL DEFAULT '0',
  `return_value` text NULL,
  `note` text NULL,
  `updated_date` int(11) NOT NULL DEFAULT '0',
  PRIMARY KEY (`id`),
  KEY `gacl_enabled_acl` (`enabled`),
  KEY `gacl_section_value_acl` (`section_value`),
  KEY `gacl_updated_date_acl` (`updated_date`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_acl_sections` (
  `id` int(11) NOT NULL DEFAULT '0',
  `value` varchar(150) NOT NULL,
  `order_value` int(11) NOT NULL DEFAULT '0',
  `name` varchar(230) NOT NULL,
  `hidden` int(11) NOT NULL DEFAULT '0',
  PRIMARY KEY (`id`),
  KEY `gacl_hidden_acl_sections` (`hidden`),
  UNIQUE KEY `gacl_value_acl_sections` (`value`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_acl_seq` (
  `id` int(11) NOT NULL
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aco` (
  `id` int(11) NOT NULL DEFAULT '0',
  `section_value` varchar(150) NOT NULL DEFAULT '0',
  `value` varchar(150) NOT NULL,
  `order_value` int(11) NOT NULL DEFAULT '0',
  `name` varchar(255) NOT NULL,
  `hidden` int(11) NOT NULL DEFAULT '0',
  PRIMARY KEY (`id`),
  KEY `gacl_hidden_aco` (`hidden`),
  UNIQUE KEY `gacl_section_value_value_aco` (`section_value`, `value`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aco_map` (
  `acl_id` int(11) NOT NULL DEFAULT '0',
  `section_value` varchar(150) NOT NULL DEFAULT '0',
  `value` varchar(150) NOT NULL,
  PRIMARY KEY (`acl_id`, `section_value`, `value`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aco_sections` (
  `id` int(11) NOT NULL DEFAULT '0',
  `value` varchar(150) NOT NULL,
  `order_value` int(11) NOT NULL DEFAULT '0',
  `name` varchar(230) NOT NULL,
  `hidden` int(11) NOT NULL DEFAULT '0',
  PRIMARY KEY (`id`),
  KEY `gacl_hidden_aco_sections` (`hidden`),
  UNIQUE KEY `gacl_value_aco_sections` (`value`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aco_sections_seq` (
  `id` int(11) NOT NULL
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aco_seq` (
  `id` int(11) NOT NULL
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aro` (
  `id` int(11) NOT NULL DEFAULT '0',
  `section_value` varchar(150) NOT NULL DEFAULT '0',
  `value` varchar(150) NOT NULL,
  `order_value` int(11) NOT NULL DEFAULT '0',
  `name` varchar(255) NOT NULL,
  `hidden` int(11) NOT NULL DEFAULT '0',
  PRIMARY KEY (`id`),
  KEY `gacl_hidden_aro` (`hidden`),
  UNIQUE KEY `gacl_section_value_value_aro` (`section_value`, `value`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aro_groups` (
  `id` int(11) NOT NULL DEFAULT '0',
  `parent_id` int(11) NOT NULL DEFAULT '0',
  `lft` int(11) NOT NULL DEFAULT '0',
  `rgt` int(11) NOT NULL DEFAULT '0',
  `name` varchar(255) NOT NULL,
  `value` varchar(150) NOT NULL,
  PRIMARY KEY (`id`, `value`),
  KEY `gacl_lft_rgt_aro_groups` (`lft`, `rgt`),
  KEY `gacl_parent_id_aro_groups` (`parent_id`),
  UNIQUE KEY `gacl_value_aro_groups` (`value`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aro_groups_id_seq` (
  `id` int(11) NOT NULL
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aro_groups_map` (
  `acl_id` int(11) NOT NULL DEFAULT '0',
  `group_id` int(11) NOT NULL DEFAULT '0',
  PRIMARY KEY (`acl_id`, `group_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aro_map` (
  `acl_id` int(11) NOT NULL DEFAULT '0',
  `section_value` varchar(150) NOT NULL DEFAULT '0',
  `value` varchar(150) NOT NULL,
  PRIMARY KEY (`acl_id`, `section_value`, `value`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aro_sections` (
  `id` int(11) NOT NULL DEFAULT '0',
  `value` varchar(150) NOT NULL,
  `order_value` int(11) NOT NULL DEFAULT '0',
  `name` varchar(230) NOT NULL,
  `hidden` int(11) NOT NULL DEFAULT '0',
  PRIMARY KEY (`id`),
  KEY `gacl_hidden_aro_sections` (`hidden`),
  UNIQUE KEY `gacl_value_aro_sections` (`value`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aro_sections_seq` (
  `id` int(11) NOT NULL
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aro_seq` (
  `id` int(11) NOT NULL
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_axo` (
  `id` int(11) NOT NULL DEFAULT '0',
  `section_value` varchar(150) NOT NULL DEFAULT '0',
  `value` varchar(150) NOT NULL,
  `order_value` int(11) NOT NULL DEFAULT '0',
  `name` varchar(255) NOT NULL,
  `hidden` int(11) NOT NULL DEFAULT '0',
  PRIMARY KEY (`id`),
  KEY `gacl_hidden_axo` (`hidden`),
  UNIQUE KEY `gacl_section_value_value_axo` (`section_value`, `value`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_axo_groups` (
  `id` int(11) NOT NULL DEFAULT '0',
  `parent_id` int(11) NOT NULL DEFAULT '0',
  `lft` int(11) NOT NULL DEFAULT '0',
  `rgt` int(11) NOT NULL DEFAULT '0',
  `name` varchar(255) NOT NULL,
  `value` varchar(150) NOT NULL,
  PRIMARY KEY (`id`, `value`),
  KEY `gacl_lft_rgt_axo_groups` (`lft`, `rgt`),
  KEY `gacl_parent_id_axo_groups` (`parent_id`),
  UNIQUE KEY `gacl_value_axo_groups` (`value`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_axo_groups_map` (
  `acl_id` int(11) NOT NULL DEFAULT '0',
  `group_id` int(11) NOT NULL DEFAULT '0',
  PRIMARY KEY (`acl_id`, `group_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_axo_map` (
  `acl_id` int(11) NOT NULL DEFAULT '0',
  `section_value` varchar(150) NOT NULL DEFAULT '0',
  `value` varchar(150) NOT NULL,
  PRIMARY KEY (`acl_id`, `section_value`, `value`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_axo_sections` (
  `id` int(11) NOT NULL DEFAULT '0',
  `value` varchar(150) NOT NULL,
  `order_value` int(11) NOT NULL DEFAULT '0',
  `name` varchar(230) NOT NULL,
  `hidden` int(11) NOT NULL DEFAULT '0',
  PRIMARY KEY (`id`),
  KEY `gacl_hidden_axo_sections` (`hidden`),
  UNIQUE KEY `gacl_value_axo_sections` (`value`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_groups_aro_map` (
  `group_id` int(11) NOT NULL DEFAULT '0',
  `aro_id` int(11) NOT NULL DEFAULT '0',
  PRIMARY KEY (`group_id`, `aro_id`),
  KEY `gacl_aro_id` (`aro_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_groups_axo_map` (
  `group_id` int(11) NOT NULL DEFAULT '0',
  `axo_id` int(11) NOT NULL DEFAULT '0',
  PRIMARY KEY (`group_id`, `axo_id`),
  KEY `gacl_axo_id` (`axo_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_phpgacl` (
  `name` varchar(230) NOT NULL,
  `value` varchar(150) NOT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `globals` (
  `gl_name` varchar(63) NOT NULL,
  `gl_index` int(11) NOT NULL DEFAULT '0',
  `gl_value` varchar(255) NOT NULL DEFAULT '',
  PRIMARY KEY (`gl_name`, `gl_index`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `groups` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `name` longtext NULL,
  `user` longtext NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `history_data` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `coffee` longtext NULL,
  `tobacco` longtext NULL,
  `alcohol` longtext NULL,
  `sleep_patterns` longtext NULL,
  `exercise_patterns` longtext NULL,
  `seatbelt_use` longtext NULL,
  `counseling` longtext NULL,
  `hazardous_activities` longtext NULL,
  `recreational_drugs` longtext NULL,
  `last_breast_exam` varchar(255) NULL,
  `last_mammogram` varchar(255) NULL,
  `last_gynocological_exam` varchar(255) NULL,
  `last_rectal_exam` varchar(255) NULL,
  `last_prostate_exam` varchar(255) NULL,
  `last_physical_exam` varchar(255) NULL,
  `last_sigmoidoscopy_colonoscopy` varchar(255) NULL,
  `last_ecg` varchar(255) NULL,
  `last_cardiac_echo` varchar(255) NULL,
  `last_retinal` varchar(255) NULL,
  `last_fluvax` varchar(255) NULL,
  `last_pneuvax` varchar(255) NULL,
  `last_ldl` varchar(255) NULL,
  `last_hemoglobin` varchar(255) NULL,
  `last_psa` varchar(255) NULL,
  `last_exam_results` varchar(255) NULL,
  `history_mother` longtext NULL,
  `dc_mother` text NULL,
  `history_father` longtext NULL,
  `dc_father` text NULL,
  `history_siblings` longtext NULL,
  `dc_siblings` text NULL,
  `history_offspring` longtext NULL,
  `dc_offspring` text NULL,
  `history_spouse` longtext NULL,
  `dc_spouse` text NULL,
  `relatives_cancer` longtext NULL,
  `relatives_tuberculosis` longtext NULL,
  `relatives_diabetes` longtext NULL,
  `relatives_high_blood_pressure` longtext NULL,
  `relatives_heart_problems` longtext NULL,
  `relatives_stroke` longtext NULL,
  `relatives_epilepsy` longtext NULL,
  `relatives_mental_illness` longtext NULL,
  `relatives_suicide` longtext NULL,
  `cataract_surgery` datetime NULL,
  `tonsillectomy` datetime NULL,
  `cholecystestomy` datetime NULL,
  `heart_surgery` datetime NULL,
  `hysterectomy` datetime NULL,
  `hernia_repair` datetime NULL,
  `hip_replacement` datetime NULL,
  `knee_replacement` datetime NULL,
  `appendectomy` datetime NULL,
  `date` datetime NULL,
  `pid` bigint(20) NOT NULL DEFAULT '0',
  `name_1` varchar(255) NULL,
  `value_1` varchar(255) NULL,
  `name_2` varchar(255) NULL,
  `value_2` varchar(255) NULL,
  `additional_history` text NULL,
  `exams` text NULL,
  `usertext11` text NULL,
  `usertext12` varchar(255) NOT NULL DEFAULT '',
  `usertext13` varchar(255) NOT NULL DEFAULT '',
  `usertext14` varchar(255) NOT NULL DEFAULT '',
  `usertext15` varchar(255) NOT NULL DEFAULT '',
  `usertext16` varchar(255) NOT NULL DEFAULT '',
  `usertext17` varchar(255) NOT NULL DEFAULT '',
  `usertext18` varchar(255) NOT NULL DEFAULT '',
  `usertext19` varchar(255) NOT NULL DEFAULT '',
  `usertext20` varchar(255) NOT NULL DEFAULT '',
  `usertext21` varchar(255) NOT NULL DEFAULT '',
  `usertext22` varchar(255) NOT NULL DEFAULT '',
  `usertext23` varchar(255) NOT NULL DEFAULT '',
  `usertext24` varchar(255) NOT NULL DEFAULT '',
  `usertext25` varchar(255) NOT NULL DEFAULT '',
  `usertext26` varchar(255) NOT NULL DEFAULT '',
  `usertext27` varchar(255) NOT NULL DEFAULT '',
  `usertext28` varchar(255) NOT NULL DEFAULT '',
  `usertext29` varchar(255) NOT NULL DEFAULT '',
  `usertext30` varchar(255) NOT NULL DEFAULT '',
  `userdate11` date NULL,
  `userdate12` date NULL,
  `userdate13` date NULL,
  `userdate14` date NULL,
  `userdate15` date NULL,
  `userarea11` text NULL,
  `userarea12` text NULL,
  `created_by` bigint(20) NULL,
  PRIMARY KEY (`id`),
  KEY `pid` (`pid`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `icd10_dx_order_code` (
  `dx_id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `dx_code` varchar(7) NULL,
  `formatted_dx_code` varchar(10) NULL,
  `valid_for_coding` char(1) NULL,
  `short_desc` varchar(60) NULL,
  `long_desc` text NULL,
  `active` tinyint(4) NULL DEFAULT '0',
  `revision` int(11) NULL DEFAULT '0',
  KEY `active` (`active`),
  UNIQUE KEY `dx_id` (`dx_id`),
  KEY `formatted_dx_code` (`formatted_dx_code`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `immunizations` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `patient_id` bigint(20) NULL,
  `administered_date` datetime NULL,
  `immunization_id` int(11) NULL,
  `cvx_code` varchar(64) NULL,
  `manufacturer` varchar(100) NULL,
  `lot_number` varchar(50) NULL,
  `administered_by_id` bigint(20) NULL,
  `administered_by` varchar(255) NULL,
  `education_date` date NULL,
  `vis_date` date NULL,
  `note` text NULL,
  `create_date` datetime NULL,
  `update_date` timestamp NOT NULL,
  `created_by` bigint(20) NULL,
  `updated_by` bigint(20) NULL,
  `amount_administered` float NULL,
  `amount_administered_unit` varchar(50) NULL,
  `expiration_date` date NULL,
  `route` varchar(100) NULL,
  `administration_site` varchar(100) NULL,
  `added_erroneously` tinyint(1) NOT NULL DEFAULT '0',
  `external_id` varchar(20) NULL,
  `completion_status` varchar(50) NULL,
  `information_source` varchar(31) NULL,
  `refusal_reason` varchar(31) NULL,
  `ordering_provider` int(11) NULL,
  `reason_code` varchar(31) NULL,
  `reason_description` text NULL,
  `encounter_id` bigint(20) NULL,
  PRIMARY KEY (`id`),
  KEY `patient_id` (`patient_id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `insurance_companies` (
  `id` int(11) NOT NULL DEFAULT '0',
  `uuid` binary(16) NULL,
  `name` varchar(255) NULL,
  `attn` varchar(255) NULL,
  `cms_id` varchar(15) NULL,
  `ins_type_code` int(11) NULL,
  `x12_receiver_id` varchar(25) NULL,
  `x12_default_partner_id` int(11) NULL,
  `alt_cms_id` varchar(15) NULL,
  `inactive` tinyint(1) NOT NULL DEFAULT '0',
  `eligibility_id` varchar(32) NULL,
  `x12_default_eligibility_id` int(11) NULL,
  `cqm_sop` int(11) NULL,
  `date_created` datetime NOT NULL DEFAULT current_timestamp(),
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (`id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `insurance_data` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `type` enum('primary','secondary','tertiary') NULL,
  `provider` varchar(255) NULL,
  `plan_name` varchar(255) NULL,
  `policy_number` varchar(255) NULL,
  `group_number` varchar(255) NULL,
  `subscriber_lname` varchar(255) NULL,
  `subscriber_mname` varchar(255) NULL,
  `subscriber_fname` varchar(255) NULL,
  `subscriber_relationship` varchar(255) NULL,
  `subscriber_ss` varchar(255) NULL,
  `subscriber_DOB` date NULL,
  `subscriber_street` varchar(255) NULL,
  `subscriber_postal_code` varchar(255) NULL,
  `subscriber_city` varchar(255) NULL,
  `subscriber_state` varchar(255) NULL,
  `subscriber_country` varchar(255) NULL,
  `subscriber_phone` varchar(255) NULL,
  `subscriber_employer` varchar(255) NULL,
  `subscriber_employer_street` varchar(255) NULL,
  `subscriber_employer_postal_code` varchar(255) NULL,
  `subscriber_employer_state` varchar(255) NULL,
  `subscriber_employer_country` varchar(255) NULL,
  `subscriber_employer_city` varchar(255) NULL,
  `copay` varchar(255) NULL,
  `date` date NULL,
  `pid` bigint(20) NOT NULL DEFAULT '0',
  `subscriber_sex` varchar(25) NULL,
  `accept_assignment` varchar(5) NOT NULL DEFAULT 'TRUE',
  `policy_type` varchar(25) NOT NULL DEFAULT '',
  `subscriber_street_line_2` tinytext NULL,
  `subscriber_employer_street_line_2` tinytext NULL,
  `date_end` date NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `pid_type_date` (`pid`, `type`, `date`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `insurance_type_codes` (
  `id` int(2) NOT NULL,
  `type` varchar(60) NOT NULL,
  `claim_type` text NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `ip_tracking` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `ip_string` varchar(255) NULL DEFAULT '',
  `total_ip_login_fail_counter` bigint(20) NULL DEFAULT '0',
  `ip_login_fail_counter` bigint(20) NULL DEFAULT '0',
  `ip_last_login_fail` datetime NULL,
  `ip_auto_block_emailed` tinyint(4) NULL DEFAULT '0',
  `ip_force_block` tinyint(4) NULL DEFAULT '0',
  `ip_no_prevent_timing_attack` tinyint(4) NULL DEFAULT '0',
  PRIMARY KEY (`id`),
  UNIQUE KEY `ip_string` (`ip_string`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `issue_encounter` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `pid` bigint(20) NOT NULL,
  `list_id` int(11) NOT NULL,
  `encounter` int(11) NOT NULL,
  `resolved` tinyint(1) NOT NULL,
  `created_by` bigint(20) NULL,
  `updated_by` bigint(20) NULL,
  `created_at` datetime NULL DEFAULT current_timestamp(),
  `updated_at` datetime NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (`id`),
  UNIQUE KEY `uniq_issue_key` (`pid`, `list_id`, `encounter`),
  UNIQUE KEY `uuid_unique` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `jwt_grant_history` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `jti` varchar(100) NOT NULL,
  `client_id` varchar(80) NOT NULL,
  `jti_exp` timestamp NULL DEFAULT NULL,
  `creation_date` datetime NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`id`),
  KEY `jti` (`jti`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `keys` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `name` varchar(20) NOT NULL DEFAULT '',
  `value` text NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `name` (`name`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `lang_languages` (
  `lang_id` int(11) NOT NULL AUTO_INCREMENT,
  `lang_code` char(2) NOT NULL DEFAULT '',
  `lang_description` varchar(100) NULL,
  `lang_is_rtl` tinyint(4) NULL DEFAULT '0',
  UNIQUE KEY `lang_id` (`lang_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `lbt_data` (
  `form_id` bigint(20) NOT NULL,
  `field_id` varchar(31) NOT NULL,
  `field_value` text NULL,
  PRIMARY KEY (`form_id`, `field_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `list_options` (
  `list_id` varchar(100) NOT NULL DEFAULT '',
  `option_id` varchar(100) NOT NULL DEFAULT '',
  `title` varchar(255) NOT NULL DEFAULT '',
  `seq` int(11) NOT NULL DEFAULT '0',
  `is_default` tinyint(1) NOT NULL DEFAULT '0',
  `option_value` float NOT NULL DEFAULT '0',
  `mapping` varchar(31) NOT NULL DEFAULT '',
  `notes` text NULL,
  `codes` varchar(255) NOT NULL DEFAULT '',
  `toggle_setting_1` tinyint(1) NOT NULL DEFAULT '0',
  `toggle_setting_2` tinyint(1) NOT NULL DEFAULT '0',
  `activity` tinyint(4) NOT NULL DEFAULT '1',
  `subtype` varchar(31) NOT NULL DEFAULT '',
  `edit_options` tinyint(1) NOT NULL DEFAULT '1',
  `timestamp` timestamp NOT NULL DEFAULT current_timestamp(),
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (`list_id`, `option_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `lists` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `date` datetime NULL,
  `type` varchar(255) NULL,
  `subtype` varchar(31) NOT NULL DEFAULT '',
  `title` varchar(255) NULL,
  `udi` varchar(255) NULL,
  `udi_data` text NULL,
  `begdate` datetime NULL,
  `enddate` datetime NULL,
  `returndate` date NULL,
  `occurrence` int(11) NULL DEFAULT '0',
  `classification` int(11) NULL DEFAULT '0',
  `referredby` varchar(255) NULL,
  `extrainfo` varchar(255) NULL,
  `diagnosis` varchar(255) NULL,
  `activity` tinyint(4) NULL,
  `comments` longtext NULL,
  `pid` bigint(20) NULL,
  `user` varchar(255) NULL,
  `groupname` varchar(255) NULL,
  `outcome` int(11) NOT NULL DEFAULT '0',
  `destination` varchar(255) NULL,
  `reinjury_id` bigint(20) NOT NULL DEFAULT '0',
  `injury_part` varchar(31) NOT NULL DEFAULT '',
  `injury_type` varchar(31) NOT NULL DEFAULT '',
  `injury_grade` varchar(31) NOT NULL DEFAULT '',
  `reaction` varchar(255) NOT NULL DEFAULT '',
  `verification` varchar(36) NOT NULL DEFAULT '',
  `external_allergyid` int(11) NULL,
  `erx_source` enum('0','1') NOT NULL DEFAULT '0',
  `erx_uploaded` enum('0','1') NOT NULL DEFAULT '0',
  `modifydate` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `severity_al` varchar(50) NULL,
  `external_id` varchar(20) NULL,
  `list_option_id` varchar(100) NULL,
  PRIMARY KEY (`id`),
  KEY `pid` (`pid`),
  KEY `type` (`type`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `lists_medication` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `list_id` bigint(20) NULL,
  `drug_dosage_instructions` longtext NULL,
  `usage_category` varchar(100) NULL,
  `usage_category_title` varchar(255) NOT NULL,
  `request_intent` varchar(100) NULL,
  `request_intent_title` varchar(255) NOT NULL,
  `medication_adherence_information_source` varchar(50) NULL,
  `medication_adherence` varchar(50) NULL,
  `medication_adherence_date_asserted` datetime NULL,
  `prescription_id` bigint(20) NULL,
  `is_primary_record` tinyint(1) NULL DEFAULT '1',
  `reporting_source_record_id` bigint(20) NULL,
  PRIMARY KEY (`id`),
  KEY `lists_medication_list_idx` (`list_id`),
  KEY `lists_med_request_intent_idx` (`request_intent`),
  KEY `lists_med_usage_category_idx` (`usage_category`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `log` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `date` datetime NULL,
  `event` varchar(255) NULL,
  `category` varchar(255) NULL,
  `user` varchar(255) NULL,
  `groupname` varchar(255) NULL,
  `comments` longtext NULL,
  `user_notes` longtext NULL,
  `patient_id` bigint(20) NULL,
  `success` tinyint(1) NULL DEFAULT '1',
  `checksum` longtext NULL,
  `crt_user` varchar(255) NULL,
  `log_from` varchar(20) NULL DEFAULT 'open-emr',
  `menu_item_id` int(11) NULL,
  `ccda_doc_id` int(11) NULL,
  PRIMARY KEY (`id`),
  KEY `patient_id` (`patient_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `log_comment_encrypt` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `log_id` int(11) NOT NULL,
  `encrypt` enum('Yes','No') NOT NULL DEFAULT 'No',
  `checksum` longtext NULL,
  `checksum_api` longtext NULL,
  `version` tinyint(4) NOT NULL DEFAULT '0',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `login_mfa_registrations` (
  `user_id` bigint(20) NOT NULL,
  `name` varchar(30) NOT NULL,
  `last_challenge` datetime NULL,
  `method` varchar(31) NOT NULL,
  `var1` varchar(4096) NOT NULL DEFAULT '',
  `var2` varchar(256) NOT NULL DEFAULT '',
  PRIMARY KEY (`user_id`, `name`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `modules` (
  `mod_id` int(11) NOT NULL AUTO_INCREMENT,
  `mod_name` varchar(64) NOT NULL DEFAULT '0',
  `mod_directory` varchar(64) NOT NULL DEFAULT '',
  `mod_parent` varchar(64) NOT NULL DEFAULT '',
  `mod_type` varchar(64) NOT NULL DEFAULT '',
  `mod_active` int(1) unsigned NOT NULL DEFAULT '0',
  `mod_ui_name` varchar(64) NOT NULL DEFAULT '',
  `mod_relative_link` varchar(64) NOT NULL DEFAULT '',
  `mod_ui_order` tinyint(3) NOT NULL DEFAULT '0',
  `mod_ui_active` int(1) unsigned NOT NULL DEFAULT '0',
  `mod_description` varchar(255) NOT NULL DEFAULT '',
  `mod_nick_name` varchar(25) NOT NULL DEFAULT '',
  `mod_enc_menu` varchar(10) NOT NULL DEFAULT 'no',
  `permissions_item_table` char(100) NULL,
  `directory` varchar(255) NOT NULL,
  `date` datetime NOT NULL,
  `sql_run` tinyint(4) NULL DEFAULT '0',
  `type` tinyint(4) NULL DEFAULT '0',
  `sql_version` varchar(150) NOT NULL,
  `acl_version` varchar(150) NOT NULL,
  PRIMARY KEY (`mod_id`, `mod_directory`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `notes` (
  `id` int(11) NOT NULL DEFAULT '0',
  `foreign_id` int(11) NOT NULL DEFAULT '0',
  `note` varchar(255) NULL,
  `owner` int(11) NULL,
  `date` datetime NULL,
  `revision` timestamp NOT NULL,
  PRIMARY KEY (`id`),
  KEY `date` (`date`),
  KEY `foreign_id` (`owner`),
  KEY `foreign_id_2` (`foreign_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `oauth_clients` (
  `client_id` varchar(80) NOT NULL,
  `client_role` varchar(20) NULL,
  `client_name` varchar(80) NOT NULL,
  `client_secret` text NULL,
  `registration_token` varchar(80) NULL,
  `registration_uri_path` varchar(40) NULL,
  `register_date` datetime NULL,
  `revoke_date` datetime NULL,
  `contacts` text NULL,
  `redirect_uri` text NULL,
  `grant_types` varchar(80) NULL,
  `scope` text NULL,
  `user_id` varchar(40) NULL,
  `site_id` varchar(64) NULL,
  `is_confidential` tinyint(1) NOT NULL DEFAULT '1',
  `logout_redirect_uris` text NULL,
  `jwks_uri` text NULL,
  `jwks` text NULL,
  `initiate_login_uri` text NULL,
  `endorsements` text NULL,
  `policy_uri` text NULL,
  `tos_uri` text NULL,
  `is_enabled` tinyint(1) NOT NULL DEFAULT '0',
  `skip_ehr_launch_authorization_flow` tinyint(1) NOT NULL DEFAULT '0',
  `dsi_type` tinyint(3) unsigned NOT NULL DEFAULT '1',
  PRIMARY KEY (`client_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `oauth_trusted_user` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `user_id` varchar(80) NULL,
  `client_id` varchar(80) NULL,
  `scope` text NULL,
  `persist_login` tinyint(1) NULL DEFAULT '0',
  `time` timestamp NULL DEFAULT NULL,
  `code` text NULL,
  `session_cache` text NULL,
  `grant_type` varchar(32) NULL,
  PRIMARY KEY (`id`),
  KEY `accounts_id` (`user_id`),
  KEY `clients_id` (`client_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `openemr_postcalendar_categories` (
  `pc_catid` int(11) unsigned NOT NULL AUTO_INCREMENT,
  `pc_constant_id` varchar(255) NULL,
  `pc_catname` varchar(100) NULL,
  `pc_catcolor` varchar(50) NULL,
  `pc_catdesc` text NULL,
  `pc_recurrtype` int(1) NOT NULL DEFAULT '0',
  `pc_enddate` date NULL,
  `pc_recurrspec` text NULL,
  `pc_recurrfreq` int(3) NOT NULL DEFAULT '0',
  `pc_duration` bigint(20) NOT NULL DEFAULT '0',
  `pc_end_date_flag` tinyint(1) NOT NULL DEFAULT '0',
  `pc_end_date_type` int(2) NULL,
  `pc_end_date_freq` int(11) NOT NULL DEFAULT '0',
  `pc_end_all_day` tinyint(1) NOT NULL DEFAULT '0',
  `pc_dailylimit` int(2) NOT NULL DEFAULT '0',
  `pc_cattype` int(11) NOT NULL,
  `pc_active` tinyint(1) NOT NULL DEFAULT '1',
  `pc_seq` int(11) NOT NULL DEFAULT '0',
  `aco_spec` varchar(63) NOT NULL DEFAULT 'encounters|notes',
  `pc_last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (`pc_catid`),
  KEY `basic_cat` (`pc_catname`, `pc_catcolor`),
  UNIQUE KEY `pc_constant_id` (`pc_constant_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `openemr_postcalendar_events` (
  `pc_eid` int(11) unsigned NOT NULL AUTO_INCREMENT,
  `pc_catid` int(11) NOT NULL DEFAULT '0',
  `pc_multiple` int(10) unsigned NOT NULL,
  `pc_aid` varchar(30) NULL,
  `pc_pid` varchar(11) NULL,
  `pc_gid` int(11) NULL DEFAULT '0',
  `pc_title` varchar(150) NULL,
  `pc_time` datetime NULL,
  `pc_hometext` text NULL,
  `pc_comments` int(11) NULL DEFAULT '0',
  `pc_counter` mediumint(8) unsigned NULL DEFAULT '0',
  `pc_topic` int(3) NOT NULL DEFAULT '1',
  `pc_informant` varchar(20) NULL,
  `pc_eventDate` date NOT NULL,
  `pc_endDate` date NULL,
  `pc_duration` bigint(20) NOT NULL DEFAULT '0',
  `pc_recurrtype` int(1) NOT NULL DEFAULT '0',
  `pc_recurrspec` text NULL,
  `pc_recurrfreq` int(3) NOT NULL DEFAULT '0',
  `pc_startTime` time NULL,
  `pc_endTime` time NULL,
  `pc_alldayevent` int(1) NOT NULL DEFAULT '0',
  `pc_location` text NULL,
  `pc_conttel` varchar(50) NULL,
  `pc_contname` varchar(50) NULL,
  `pc_contemail` varchar(255) NULL,
  `pc_website` varchar(255) NULL,
  `pc_fee` varchar(50) NULL,
  `pc_eventstatus` int(11) NOT NULL DEFAULT '0',
  `pc_sharing` int(11) NOT NULL DEFAULT '0',
  `pc_language` varchar(30) NULL,
  `pc_apptstatus` varchar(15) NOT NULL DEFAULT '-',
  `pc_prefcatid` int(11) NOT NULL DEFAULT '0',
  `pc_facility` int(11) NOT NULL DEFAULT '0',
  `pc_sendalertsms` varchar(3) NOT NULL DEFAULT 'NO',
  `pc_sendalertemail` varchar(3) NOT NULL DEFAULT 'NO',
  `pc_billing_location` smallint(6) NOT NULL DEFAULT '0',
  `pc_room` varchar(20) NOT NULL DEFAULT '',
  `uuid` binary(16) NULL,
  PRIMARY KEY (`pc_eid`),
  KEY `basic_event` (`pc_catid`, `pc_aid`, `pc_eventDate`, `pc_endDate`, `pc_eventstatus`, `pc_sharing`, `pc_topic`),
  KEY `pc_eventDate` (`pc_eventDate`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `patient_access_onsite` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `pid` bigint(20) NULL,
  `portal_username` varchar(100) NULL,
  `portal_pwd` varchar(255) NULL,
  `portal_pwd_status` tinyint(4) NULL DEFAULT '1',
  `portal_login_username` varchar(100) NULL,
  `portal_onetime` varchar(255) NULL,
  `date_created` datetime NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`id`),
  UNIQUE KEY `pid` (`pid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `patient_care_experience_preferences` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `patient_id` int(11) NOT NULL,
  `observation_code` varchar(50) NOT NULL,
  `observation_code_text` varchar(255) NULL,
  `value_type` enum('coded','text','boolean') NULL DEFAULT 'coded',
  `value_code` varchar(50) NULL,
  `value_code_system` varchar(255) NULL,
  `value_display` varchar(255) NULL,
  `value_text` text NULL,
  `value_boolean` tinyint(1) NULL,
  `effective_datetime` datetime NOT NULL DEFAULT current_timestamp(),
  `status` varchar(20) NULL DEFAULT 'final',
  `note` text NULL,
  PRIMARY KEY (`id`),
  KEY `observation_code` (`observation_code`),
  KEY `patient_id` (`patient_id`),
  KEY `status` (`status`),
  UNIQUE KEY `unq_uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `patient_data` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `title` varchar(255) NOT NULL DEFAULT '',
  `language` varchar(255) NOT NULL DEFAULT '',
  `financial` varchar(255) NOT NULL DEFAULT '',
  `fname` varchar(255) NOT NULL DEFAULT '',
  `lname` varchar(255) NOT NULL DEFAULT '',
  `mname` varchar(255) NOT NULL DEFAULT '',
  `DOB` date NULL,
  `street` varchar(255) NOT NULL DEFAULT '',
  `postal_code` varchar(255) NOT NULL DEFAULT '',
  `city` varchar(255) NOT NULL DEFAULT '',
  `state` varchar(255) NOT NULL DEFAULT '',
  `country_code` varchar(255) NOT NULL DEFAULT '',
  `drivers_license` varchar(255) NOT NULL DEFAULT '',
  `ss` varchar(255) NOT NULL DEFAULT '',
  `occupation` longtext NULL,
  `phone_home` varchar(255) NOT NULL DEFAULT '',
  `phone_biz` varchar(255) NOT NULL DEFAULT '',
  `phone_contact` varchar(255) NOT NULL DEFAULT '',
  `phone_cell` varchar(255) NOT NULL DEFAULT '',
  `pharmacy_id` int(11) NOT NULL DEFAULT '0',
  `status` varchar(255) NOT NULL DEFAULT '',
  `contact_relationship` varchar(255) NOT NULL DEFAULT '',
  `date` datetime NULL,
  `sex` varchar(255) NOT NULL DEFAULT '',
  `referrer` varchar(255) NOT NULL DEFAULT '',
  `referrerID` varchar(255) NOT NULL DEFAULT '',
  `providerID` int(11) NULL,
  `ref_providerID` int(11) NULL,
  `email` varchar(255) NOT NULL DEFAULT '',
  `email_direct` varchar(255) NOT NULL DEFAULT '',
  `ethnoracial` varchar(255) NOT NULL DEFAULT '',
  `race` varchar(255) NOT NULL DEFAULT '',
  `ethnicity` varchar(255) NOT NULL DEFAULT '',
  `religion` varchar(40) NOT NULL DEFAULT '',
  `interpreter` varchar(255) NOT NULL DEFAULT '',
  `interpreter_needed` text NULL,
  `migrantseasonal` varchar(255) NOT NULL DEFAULT '',
  `family_size` varchar(255) NOT NULL DEFAULT '',
  `monthly_income` varchar(255) NOT NULL DEFAULT '',
  `billing_note` text NULL,
  `homeless` varchar(255) NOT NULL DEFAULT '',
  `financial_review` datetime NULL,
  `pubpid` varchar(255) NOT NULL DEFAULT '',
  `pid` bigint(20) NOT NULL DEFAULT '0',
  `genericname1` varchar(255) NOT NULL DEFAULT '',
  `genericval1` varchar(255) NOT NULL DEFAULT '',
  `genericname2` varchar(255) NOT NULL DEFAULT '',
  `genericval2` varchar(255) NOT NULL DEFAULT '',
  `hipaa_mail` varchar(3) NOT NULL DEFAULT '',
  `hipaa_voice` varchar(3) NOT NULL DEFAULT '',
  `hipaa_notice` varchar(3) NOT NULL DEFAULT '',
  `hipaa_message` varchar(20) NOT NULL DEFAULT '',
  `hipaa_allowsms` varchar(3) NOT NULL DEFAULT 'NO',
  `hipaa_allowemail` varchar(3) NOT NULL DEFAULT 'NO',
  `squad` varchar(32) NOT NULL DEFAULT '',
  `fitness` int(11) NOT NULL DEFAULT '0',
  `referral_source` varchar(30) NOT NULL DEFAULT '',
  `usertext1` varchar(255) NOT NULL DEFAULT '',
  `usertext2` varchar(255) NOT NULL DEFAULT '',
  `usertext3` varchar(255) NOT NULL DEFAULT '',
  `usertext4` varchar(255) NOT NULL DEFAULT '',
  `usertext5` varchar(255) NOT NULL DEFAULT '',
  `usertext6` varchar(255) NOT NULL DEFAULT '',
  `usertext7` varchar(255) NOT NULL DEFAULT '',
  `usertext8` varchar(255) NOT NULL DEFAULT '',
  `userlist1` varchar(255) NOT NULL DEFAULT '',
  `userlist2` varchar(255) NOT NULL DEFAULT '',
  `userlist3` varchar(255) NOT NULL DEFAULT '',
  `userlist4` varchar(255) NOT NULL DEFAULT '',
  `userlist5` varchar(255) NOT NULL DEFAULT '',
  `userlist6` varchar(255) NOT NULL DEFAULT '',
  `userlist7` varchar(255) NOT NULL DEFAULT '',
  `pricelevel` varchar(255) NOT NULL DEFAULT 'standard',
  `regdate` datetime NULL,
  `contrastart` date NULL,
  `completed_ad` varchar(3) NOT NULL DEFAULT 'NO',
  `ad_reviewed` datetime NULL,
  `advance_directive_user_authenticator` bigint(20) NULL,
  `vfc` varchar(255) NOT NULL DEFAULT '',
  `mothersname` varchar(255) NOT NULL DEFAULT '',
  `guardiansname` text NULL,
  `allow_imm_reg_use` varchar(255) NOT NULL DEFAULT '',
  `allow_imm_info_share` varchar(255) NOT NULL DEFAULT '',
  `allow_health_info_ex` varchar(255) NOT NULL DEFAULT '',
  `allow_patient_portal` varchar(31) NOT NULL DEFAULT '',
  `deceased_date` datetime NULL,
  `deceased_reason` varchar(255) NOT NULL DEFAULT '',
  `soap_import_status` tinyint(4) NULL,
  `cmsportal_login` varchar(60) NOT NULL DEFAULT '',
  `care_team_provider` text NULL,
  `care_team_facility` text NULL,
  `care_team_status` text NULL,
  `county` varchar(40) NOT NULL DEFAULT '',
  `industry` text NULL,
  `imm_reg_status` text NULL,
  `imm_reg_stat_effdate` text NULL,
  `publicity_code` text NULL,
  `publ_code_eff_date` text NULL,
  `protect_indicator` text NULL,
  `prot_indi_effdate` text NULL,
  `guardianrelationship` text NULL,
  `guardiansex` text NULL,
  `guardianaddress` text NULL,
  `guardiancity` text NULL,
  `guardianstate` text NULL,
  `guardianpostalcode` text NULL,
  `guardiancountry` text NULL,
  `guardianphone` text NULL,
  `guardianworkphone` text NULL,
  `guardianemail` text NULL,
  `sexual_orientation` text NULL,
  `gender_identity` text NULL,
  `birth_fname` text NULL,
  `birth_lname` text NULL,
  `birth_mname` text NULL,
  `dupscore` int(11) NOT NULL DEFAULT '-9',
  `name_history` tinytext NULL,
  `suffix` tinytext NULL,
  `street_line_2` tinytext NULL,
  `patient_groups` text NULL,
  `prevent_portal_apps` text NULL,
  `provider_since_date` tinytext NULL,
  `created_by` bigint(20) NULL,
  `updated_by` bigint(20) NULL,
  `preferred_name` tinytext NULL,
  `nationality_country` tinytext NULL,
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `tribal_affiliations` text NULL,
  `sex_identified` text NULL,
  `pronoun` text NULL,
  KEY `id` (`id`),
  KEY `idx_patient_dob` (`DOB`),
  KEY `idx_patient_name` (`lname`, `fname`),
  UNIQUE KEY `pid` (`pid`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `patient_history` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `date` datetime NOT NULL DEFAULT current_timestamp(),
  `care_team_provider` text NULL,
  `care_team_facility` text NULL,
  `pid` bigint(20) NOT NULL,
  `history_type_key` varchar(36) NULL,
  `previous_name_prefix` text NULL,
  `previous_name_first` text NULL,
  `previous_name_middle` text NULL,
  `previous_name_last` text NULL,
  `previous_name_suffix` text NULL,
  `previous_name_enddate` date NULL,
  `created_by` bigint(20) NULL,
  PRIMARY KEY (`id`),
  KEY `pid_idx` (`pid`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `patient_treatment_intervention_preferences` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `patient_id` int(11) NOT NULL,
  `observation_code` varchar(50) NOT NULL,
  `observation_code_text` varchar(255) NULL,
  `value_type` enum('coded','text','boolean') NULL DEFAULT 'coded',
  `value_code` varchar(50) NULL,
  `value_code_system` varchar(255) NULL,
  `value_display` varchar(255) NULL,
  `value_text` text NULL,
  `value_boolean` tinyint(1) NULL,
  `effective_datetime` datetime NOT NULL DEFAULT current_timestamp(),
  `status` varchar(20) NULL DEFAULT 'final',
  `note` text NULL,
  PRIMARY KEY (`id`),
  KEY `observation_code` (`observation_code`),
  KEY `patient_id` (`patient_id`),
  KEY `status` (`status`),
  UNIQUE KEY `unq_uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `person` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `title` varchar(31) NULL,
  `first_name` varchar(63) NULL,
  `middle_name` varchar(63) NULL,
  `last_name` varchar(63) NULL,
  `preferred_name` varchar(63) NULL,
  `gender` varchar(31) NULL,
  `birth_date` date NULL,
  `death_date` date NULL,
  `marital_status` varchar(31) NULL,
  `race` varchar(63) NULL,
  `ethnicity` varchar(63) NULL,
  `preferred_language` varchar(63) NULL,
  `communication` varchar(254) NULL,
  `ssn` varchar(31) NULL,
  `active` tinyint(1) NULL DEFAULT '1',
  `inactive_reason` varchar(255) NULL,
  `inactive_date` datetime NULL,
  `notes` text NULL,
  `created_date` datetime NOT NULL DEFAULT current_timestamp(),
  `created_by` bigint(20) NULL,
  `updated_date` datetime NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `updated_by` bigint(20) NULL,
  PRIMARY KEY (`id`),
  KEY `idx_person_active` (`active`),
  KEY `idx_person_dob` (`birth_date`),
  KEY `idx_person_name` (`last_name`, `first_name`),
  KEY `idx_person_search` (`last_name`, `first_name`, `birth_date`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `phone_numbers` (
  `id` int(11) NOT NULL DEFAULT '0',
  `country_code` varchar(5) NULL,
  `area_code` char(3) NULL,
  `prefix` char(3) NULL,
  `number` varchar(4) NULL,
  `type` int(11) NULL,
  `foreign_id` int(11) NULL,
  PRIMARY KEY (`id`),
  KEY `foreign_id` (`foreign_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `pnotes` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `date` datetime NULL,
  `body` longtext NULL,
  `pid` bigint(20) NULL,
  `user` varchar(255) NULL,
  `groupname` varchar(255) NULL,
  `activity` tinyint(4) NULL,
  `authorized` tinyint(4) NULL,
  `title` varchar(255) NULL,
  `assigned_to` varchar(255) NULL,
  `deleted` tinyint(4) NULL DEFAULT '0',
  `message_status` varchar(20) NOT NULL DEFAULT 'New',
  `portal_relation` varchar(100) NULL,
  `is_msg_encrypted` tinyint(2) NULL DEFAULT '0',
  `update_by` bigint(20) NULL,
  `update_date` datetime NULL,
  PRIMARY KEY (`id`),
  KEY `pid` (`pid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `prescriptions` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `patient_id` bigint(20) NULL,
  `filled_by_id` int(11) NULL,
  `pharmacy_id` int(11) NULL,
  `date_added` datetime NULL,
  `date_modified` datetime NULL,
  `provider_id` int(11) NULL,
  `encounter` int(11) NULL,
  `start_date` date NULL,
  `drug` varchar(150) NULL,
  `drug_id` int(11) NOT NULL DEFAULT '0',
  `rxnorm_drugcode` varchar(25) NULL,
  `form` int(3) NULL,
  `dosage` varchar(100) NULL,
  `quantity` varchar(31) NULL,
  `size` varchar(25) NULL,
  `unit` int(11) NULL,
  `route` varchar(100) NULL,
  `interval` int(11) NULL,
  `substitute` int(11) NULL,
  `refills` int(11) NULL,
  `per_refill` int(11) NULL,
  `filled_date` date NULL,
  `medication` int(11) NULL,
  `note` text NULL,
  `active` int(11) NOT NULL DEFAULT '1',
  `datetime` datetime NULL,
  `user` varchar(50) NULL,
  `site` varchar(50) NULL,
  `prescriptionguid` varchar(50) NULL,
  `erx_source` tinyint(4) NOT NULL DEFAULT '0',
  `erx_uploaded` tinyint(4) NOT NULL DEFAULT '0',
  `drug_info_erx` text NULL,
  `external_id` varchar(20) NULL,
  `end_date` date NULL,
  `indication` text NULL,
  `prn` varchar(30) NULL,
  `ntx` int(2) NULL,
  `rtx` int(2) NULL,
  `txDate` date NOT NULL,
  `usage_category` varchar(100) NULL,
  `usage_category_title` varchar(255) NOT NULL,
  `request_intent` varchar(100) NULL,
  `request_intent_title` varchar(255) NOT NULL,
  `drug_dosage_instructions` longtext NULL,
  `diagnosis` text NULL,
  `created_by` bigint(20) NULL,
  `updated_by` bigint(20) NULL,
  PRIMARY KEY (`id`),
  KEY `patient_id` (`patient_id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `procedure_order` (
  `procedure_order_id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `provider_id` bigint(20) NOT NULL DEFAULT '0',
  `patient_id` bigint(20) NOT NULL,
  `encounter_id` bigint(20) NOT NULL DEFAULT '0',
  `date_collected` datetime NULL,
  `date_ordered` datetime NULL,
  `order_priority` varchar(31) NOT NULL DEFAULT '',
  `order_status` varchar(31) NOT NULL DEFAULT '',
  `patient_instructions` text NULL,
  `activity` tinyint(1) NOT NULL DEFAULT '1',
  `control_id` varchar(255) NOT NULL DEFAULT '',
  `lab_id` bigint(20) NOT NULL DEFAULT '0',
  `specimen_type` varchar(31) NOT NULL DEFAULT '',
  `specimen_location` varchar(31) NOT NULL DEFAULT '',
  `specimen_volume` varchar(30) NOT NULL DEFAULT '',
  `date_transmitted` datetime NULL,
  `clinical_hx` varchar(255) NOT NULL DEFAULT '',
  `external_id` varchar(20) NULL,
  `history_order` enum('0','1') NULL DEFAULT '0',
  `order_diagnosis` varchar(255) NULL DEFAULT '',
  `billing_type` varchar(4) NULL,
  `specimen_fasting` varchar(31) NULL,
  `order_psc` tinyint(4) NULL,
  `order_abn` varchar(31) NOT NULL DEFAULT 'not_required',
  `collector_id` bigint(11) NOT NULL DEFAULT '0',
  `account` varchar(60) NULL,
  `account_facility` int(11) NULL,
  `provider_number` varchar(30) NULL,
  `procedure_order_type` varchar(32) NOT NULL DEFAULT 'laboratory_test',
  `scheduled_date` datetime NULL,
  `scheduled_start` datetime NULL,
  `scheduled_end` datetime NULL,
  `performer_type` varchar(50) NULL,
  `order_intent` varchar(31) NOT NULL DEFAULT 'order',
  `location_id` int(11) NULL,
  PRIMARY KEY (`procedure_order_id`),
  KEY `datepid` (`date_ordered`, `patient_id`),
  KEY `idx_location_id` (`location_id`),
  KEY `idx_order_intent` (`order_intent`),
  KEY `idx_scheduled_date` (`scheduled_date`),
  KEY `idx_specimen_type` (`specimen_type`),
  KEY `patient_id` (`patient_id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `procedure_order_code` (
  `procedure_order_id` bigint(20) NOT NULL,
  `procedure_order_seq` int(11) NOT NULL,
  `procedure_code` varchar(64) NOT NULL DEFAULT '',
  `procedure_name` varchar(255) NOT NULL DEFAULT '',
  `procedure_source` char(1) NOT NULL DEFAULT '1',
  `diagnoses` text NULL,
  `do_not_send` tinyint(1) NOT NULL DEFAULT '0',
  `procedure_order_title` varchar(255) NULL,
  `procedure_type` varchar(31) NULL,
  `transport` varchar(31) NULL,
  `date_end` datetime NULL,
  `reason_code` varchar(31) NULL,
  `reason_description` text NULL,
  `reason_date_low` datetime NULL,
  `reason_date_high` datetime NULL,
  `reason_status` varchar(31) NULL,
  PRIMARY KEY (`procedure_order_id`, `procedure_order_seq`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `procedure_order_relationships` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `procedure_order_id` bigint(20) NOT NULL,
  `resource_type` varchar(50) NOT NULL,
  `resource_uuid` binary(16) NOT NULL,
  `relationship` varchar(50) NULL,
  `created_at` timestamp NULL DEFAULT current_timestamp(),
  `created_by` bigint(20) NULL,
  PRIMARY KEY (`id`),
  KEY `idx_created_at` (`created_at`),
  KEY `idx_order_id` (`procedure_order_id`),
  KEY `idx_resource` (`resource_type`, `resource_uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `procedure_providers` (
  `ppid` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `name` varchar(255) NOT NULL DEFAULT '',
  `npi` varchar(15) NOT NULL DEFAULT '',
  `send_app_id` varchar(255) NOT NULL DEFAULT '',
  `send_fac_id` varchar(255) NOT NULL DEFAULT '',
  `recv_app_id` varchar(255) NOT NULL DEFAULT '',
  `recv_fac_id` varchar(255) NOT NULL DEFAULT '',
  `DorP` char(1) NOT NULL DEFAULT 'D',
  `direction` char(1) NOT NULL DEFAULT 'B',
  `protocol` varchar(15) NOT NULL DEFAULT 'DL',
  `remote_host` varchar(255) NOT NULL DEFAULT '',
  `login` varchar(255) NOT NULL DEFAULT '',
  `password` varchar(255) NOT NULL DEFAULT '',
  `orders_path` varchar(255) NOT NULL DEFAULT '',
  `results_path` varchar(255) NOT NULL DEFAULT '',
  `notes` text NULL,
  `lab_director` bigint(20) NOT NULL DEFAULT '0',
  `active` tinyint(1) NOT NULL DEFAULT '1',
  `type` varchar(31) NULL,
  `date_created` datetime NOT NULL DEFAULT current_timestamp(),
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (`ppid`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `procedure_report` (
  `procedure_report_id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `procedure_order_id` bigint(20) NULL,
  `procedure_order_seq` int(11) NOT NULL DEFAULT '1',
  `date_collected` datetime NULL,
  `date_collected_tz` varchar(5) NULL DEFAULT '',
  `date_report` datetime NULL,
  `date_report_tz` varchar(5) NULL DEFAULT '',
  `source` bigint(20) NOT NULL DEFAULT '0',
  `specimen_num` varchar(63) NOT NULL DEFAULT '',
  `report_status` varchar(31) NOT NULL DEFAULT '',
  `review_status` varchar(31) NOT NULL DEFAULT 'received',
  `report_notes` text NULL,
  PRIMARY KEY (`procedure_report_id`),
  KEY `procedure_order_id` (`procedure_order_id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `procedure_result` (
  `procedure_result_id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `procedure_report_id` bigint(20) NOT NULL,
  `result_data_type` char(1) NOT NULL DEFAULT 'S',
  `result_code` varchar(31) NOT NULL DEFAULT '',
  `result_text` varchar(255) NOT NULL DEFAULT '',
  `date` datetime NULL,
  `facility` varchar(255) NOT NULL DEFAULT '',
  `units` varchar(31) NOT NULL DEFAULT '',
  `result` varchar(255) NOT NULL DEFAULT '',
  `range` varchar(255) NOT NULL DEFAULT '',
  `abnormal` varchar(31) NOT NULL DEFAULT '',
  `comments` text NULL,
  `document_id` bigint(20) NOT NULL DEFAULT '0',
  `result_status` varchar(31) NOT NULL DEFAULT '',
  `date_end` datetime NULL,
  PRIMARY KEY (`procedure_result_id`),
  KEY `procedure_report_id` (`procedure_report_id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `procedure_specimen` (
  `procedure_specimen_id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `procedure_order_id` bigint(20) NOT NULL,
  `procedure_order_seq` int(11) NOT NULL,
  `specimen_identifier` varchar(128) NULL,
  `accession_identifier` varchar(128) NULL,
  `specimen_type_code` varchar(64) NULL,
  `specimen_type` varchar(255) NULL,
  `collection_method_code` varchar(64) NULL,
  `collection_method` varchar(255) NULL,
  `specimen_location_code` varchar(64) NULL,
  `specimen_location` varchar(255) NULL,
  `collected_date` datetime NULL,
  `collection_date_low` datetime NULL,
  `collection_date_high` datetime NULL,
  `volume_value` decimal(10,3) NULL,
  `volume_unit` varchar(32) NULL DEFAULT 'mL',
  `condition_code` varchar(32) NULL,
  `specimen_condition` varchar(64) NULL,
  `comments` text NULL,
  `created_at` datetime NULL DEFAULT current_timestamp(),
  `updated_at` datetime NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `created_by` bigint(20) NULL,
  `updated_by` bigint(20) NULL,
  `deleted` tinyint(1) NULL DEFAULT '0',
  PRIMARY KEY (`procedure_specimen_id`),
  KEY `idx_accession` (`accession_identifier`),
  KEY `idx_identifier` (`specimen_identifier`),
  KEY `idx_order_line` (`procedure_order_id`, `procedure_order_seq`),
  UNIQUE KEY `uuid_unique` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `procedure_type` (
  `procedure_type_id` bigint(20) NOT NULL AUTO_INCREMENT,
  `parent` bigint(20) NOT NULL DEFAULT '0',
  `name` varchar(63) NOT NULL DEFAULT '',
  `lab_id` bigint(20) NOT NULL DEFAULT '0',
  `procedure_code` varchar(64) NOT NULL DEFAULT '',
  `procedure_type` varchar(31) NOT NULL DEFAULT '',
  `body_site` varchar(31) NOT NULL DEFAULT '',
  `specimen` varchar(31) NOT NULL DEFAULT '',
  `route_admin` varchar(31) NOT NULL DEFAULT '',
  `laterality` varchar(31) NOT NULL DEFAULT '',
  `description` varchar(255) NOT NULL DEFAULT '',
  `standard_code` varchar(255) NOT NULL DEFAULT '',
  `related_code` varchar(255) NOT NULL DEFAULT '',
  `units` varchar(31) NOT NULL DEFAULT '',
  `range` varchar(255) NOT NULL DEFAULT '',
  `seq` int(11) NOT NULL DEFAULT '0',
  `activity` tinyint(1) NOT NULL DEFAULT '1',
  `notes` varchar(255) NOT NULL DEFAULT '',
  `transport` varchar(31) NULL,
  `procedure_type_name` varchar(64) NULL,
  PRIMARY KEY (`procedure_type_id`),
  KEY `parent` (`parent`),
  KEY `ptype_procedure_code` (`procedure_code`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `product_registration` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `email` varchar(255) NULL,
  `opt_out` tinyint(1) NULL,
  `auth_by_id` int(11) NULL,
  `telemetry_disabled` tinyint(1) NULL,
  `last_ask_date` datetime NULL,
  `last_ask_version` tinytext NULL,
  `options` text NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `questionnaire_repository` (
  `id` bigint(21) unsigned NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `questionnaire_id` varchar(255) NULL,
  `provider` int(11) unsigned NULL,
  `version` int(11) NOT NULL DEFAULT '1',
  `created_date` datetime NULL DEFAULT current_timestamp(),
  `modified_date` datetime NULL DEFAULT current_timestamp(),
  `name` varchar(255) NULL,
  `type` varchar(63) NOT NULL DEFAULT 'Questionnaire',
  `profile` varchar(255) NULL,
  `active` tinyint(1) NOT NULL DEFAULT '1',
  `status` varchar(31) NULL,
  `source_url` text NULL,
  `code` varchar(255) NULL,
  `code_display` text NULL,
  `questionnaire` longtext NULL,
  `lform` longtext NULL,
  `category` varchar(64) NULL,
  PRIMARY KEY (`id`),
  KEY `search` (`name`, `questionnaire_id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `questionnaire_response` (
  `id` bigint(21) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `response_id` varchar(255) NULL,
  `questionnaire_foreign_id` bigint(21) NULL,
  `questionnaire_id` varchar(255) NULL,
  `questionnaire_name` varchar(255) NULL,
  `patient_id` int(11) NULL,
  `encounter` int(11) NULL,
  `audit_user_id` int(11) NULL,
  `creator_user_id` int(11) NULL,
  `create_time` datetime NULL DEFAULT current_timestamp(),
  `last_updated` datetime NULL,
  `version` int(11) NOT NULL DEFAULT '1',
  `status` varchar(63) NULL,
  `questionnaire` longtext NULL,
  `questionnaire_response` longtext NULL,
  `form_response` longtext NULL,
  `form_score` int(11) NULL,
  `tscore` double NULL,
  `error` double NULL,
  PRIMARY KEY (`id`),
  KEY `response_index` (`response_id`, `patient_id`, `questionnaire_id`, `questionnaire_name`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `registry` (
  `name` varchar(255) NULL,
  `state` tinyint(4) NULL,
  `directory` varchar(255) NULL,
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `sql_run` tinyint(4) NULL,
  `unpackaged` tinyint(4) NULL,
  `date` datetime NULL,
  `priority` int(11) NULL DEFAULT '0',
  `category` varchar(255) NULL,
  `nickname` varchar(255) NULL,
  `patient_encounter` tinyint(4) NOT NULL DEFAULT '1',
  `therapy_group_encounter` tinyint(4) NOT NULL DEFAULT '0',
  `aco_spec` varchar(63) NOT NULL DEFAULT 'encounters|notes',
  `form_foreign_id` bigint(21) NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `sequences` (
  `id` int(11) unsigned NOT NULL DEFAULT '0'
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `transactions` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `date` datetime NULL,
  `title` varchar(255) NOT NULL DEFAULT '',
  `pid` bigint(20) NULL,
  `user` varchar(255) NOT NULL DEFAULT '',
  `groupname` varchar(255) NOT NULL DEFAULT '',
  `authorized` tinyint(4) NULL,
  PRIMARY KEY (`id`),
  KEY `pid` (`pid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `user_settings` (
  `setting_user` bigint(20) NOT NULL DEFAULT '0',
  `setting_label` varchar(100) NOT NULL,
  `setting_value` varchar(255) NOT NULL DEFAULT '',
  PRIMARY KEY (`setting_user`, `setting_label`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `users` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL,
  `username` varchar(255) NULL,
  `password` longtext NULL,
  `authorized` tinyint(4) NULL,
  `info` longtext NULL,
  `source` tinyint(4) NULL,
  `fname` varchar(255) NULL,
  `mname` varchar(255) NULL,
  `lname` varchar(255) NULL,
  `suffix` varchar(255) NULL,
  `federaltaxid` varchar(255) NULL,
  `federaldrugid` varchar(255) NULL,
  `upin` varchar(255) NULL,
  `facility` varchar(255) NULL,
  `facility_id` int(11) NOT NULL DEFAULT '0',
  `see_auth` int(11) NOT NULL DEFAULT '1',
  `active` tinyint(1) NOT NULL DEFAULT '1',
  `npi` varchar(15) NULL,
  `title` varchar(30) NULL,
  `specialty` varchar(255) NULL,
  `billname` varchar(255) NULL,
  `email` varchar(255) NULL,
  `email_direct` varchar(255) NOT NULL DEFAULT '',
  `google_signin_email` varchar(255) NULL,
  `url` varchar(255) NULL,
  `assistant` varchar(255) NULL,
  `organization` varchar(255) NULL,
  `valedictory` varchar(255) NULL,
  `street` varchar(60) NULL,
  `streetb` varchar(60) NULL,
  `city` varchar(30) NULL,
  `state` varchar(30) NULL,
  `zip` varchar(20) NULL,
  `country_code` varchar(255) NULL,
  `street2` varchar(60) NULL,
  `streetb2` varchar(60) NULL,
  `city2` varchar(30) NULL,
  `state2` varchar(30) NULL,
  `zip2` varchar(20) NULL,
  `country_code2` varchar(255) NULL,
  `phone` varchar(30) NULL,
  `fax` varchar(30) NULL,
  `phonew1` varchar(30) NULL,
  `phonew2` varchar(30) NULL,
  `phonecell` varchar(30) NULL,
  `notes` text NULL,
  `cal_ui` tinyint(4) NOT NULL DEFAULT '1',
  `taxonomy` varchar(30) NOT NULL DEFAULT '207Q00000X',
  `calendar` tinyint(1) NOT NULL DEFAULT '0',
  `abook_type` varchar(31) NOT NULL DEFAULT '',
  `default_warehouse` varchar(31) NOT NULL DEFAULT '',
  `irnpool` varchar(31) NOT NULL DEFAULT '',
  `state_license_number` varchar(25) NULL,
  `weno_prov_id` varchar(15) NULL,
  `newcrop_user_role` varchar(30) NULL,
  `cpoe` tinyint(1) NULL,
  `physician_type` varchar(50) NULL,
  `main_menu_role` varchar(50) NOT NULL DEFAULT 'standard',
  `patient_menu_role` varchar(50) NOT NULL DEFAULT 'standard',
  `portal_user` tinyint(1) NOT NULL DEFAULT '0',
  `supervisor_id` int(11) NOT NULL DEFAULT '0',
  `billing_facility` text NULL,
  `billing_facility_id` int(11) NOT NULL DEFAULT '0',
  `date_created` datetime NOT NULL DEFAULT current_timestamp(),
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (`id`),
  KEY `abook_type` (`abook_type`),
  UNIQUE KEY `google_signin_email` (`google_signin_email`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `users_secure` (
  `id` bigint(20) NOT NULL,
  `username` varchar(255) NULL,
  `password` varchar(255) NULL,
  `last_update_password` datetime NULL,
  `last_update` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `password_history1` varchar(255) NULL,
  `password_history2` varchar(255) NULL,
  `password_history3` varchar(255) NULL,
  `password_history4` varchar(255) NULL,
  `last_challenge_response` datetime NULL,
  `login_work_area` text NULL,
  `total_login_fail_counter` bigint(20) NULL DEFAULT '0',
  `login_fail_counter` int(11) NULL DEFAULT '0',
  `last_login_fail` datetime NULL,
  `auto_block_emailed` tinyint(4) NULL DEFAULT '0',
  PRIMARY KEY (`id`),
  UNIQUE KEY `USERNAME_ID` (`id`, `username`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `uuid_mapping` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NOT NULL DEFAULT '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
  `resource` varchar(255) NOT NULL DEFAULT '',
  `resource_path` varchar(255) NULL,
  `table` varchar(255) NOT NULL DEFAULT '',
  `target_uuid` binary(16) NOT NULL DEFAULT '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
  `created` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `resource` (`resource`),
  KEY `table` (`table`),
  KEY `target_uuid` (`target_uuid`),
  KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `uuid_registry` (
  `uuid` binary(16) NOT NULL DEFAULT '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
  `table_name` varchar(255) NOT NULL DEFAULT '',
  `table_id` varchar(255) NOT NULL DEFAULT '',
  `table_vertical` varchar(255) NOT NULL DEFAULT '',
  `couchdb` varchar(255) NOT NULL DEFAULT '',
  `document_drive` tinyint(4) NOT NULL DEFAULT '0',
  `mapped` tinyint(4) NOT NULL DEFAULT '0',
  `created` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `valueset` (
  `nqf_code` varchar(255) NOT NULL DEFAULT '',
  `code` varchar(255) NOT NULL DEFAULT '',
  `code_system` varchar(255) NOT NULL DEFAULT '',
  `code_type` varchar(255) NULL,
  `valueset` varchar(255) NOT NULL DEFAULT '',
  `description` varchar(255) NULL,
  `valueset_name` varchar(500) NULL,
  PRIMARY KEY (`nqf_code`, `code`, `valueset`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `version` (
  `v_major` int(11) NOT NULL DEFAULT '0',
  `v_minor` int(11) NOT NULL DEFAULT '0',
  `v_patch` int(11) NOT NULL DEFAULT '0',
  `v_realpatch` int(11) NOT NULL DEFAULT '0',
  `v_tag` varchar(31) NOT NULL DEFAULT '',
  `v_database` int(11) NOT NULL DEFAULT '0',
  `v_acl` int(11) NOT NULL DEFAULT '0'
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE `x12_partners` (
  `id` int(11) NOT NULL DEFAULT '0',
  `name` varchar(255) NULL,
  `id_number` varchar(255) NULL,
  `x12_sender_id` varchar(255) NULL,
  `x12_receiver_id` varchar(255) NULL,
  `processing_format` enum('standard','medi-cal','cms','proxymed','oa_eligibility','availity_eligibility') NULL,
  `x12_isa01` varchar(2) NOT NULL DEFAULT '00',
  `x12_isa02` varchar(10) NOT NULL DEFAULT '          ',
  `x12_isa03` varchar(2) NOT NULL DEFAULT '00',
  `x12_isa04` varchar(10) NOT NULL DEFAULT '          ',
  `x12_isa05` char(2) NOT NULL DEFAULT 'ZZ',
  `x12_isa07` char(2) NOT NULL DEFAULT 'ZZ',
  `x12_isa14` char(1) NOT NULL DEFAULT '0',
  `x12_isa15` char(1) NOT NULL DEFAULT 'P',
  `x12_gs02` varchar(15) NOT NULL DEFAULT '',
  `x12_per06` varchar(80) NOT NULL DEFAULT '',
  `x12_dtp03` char(1) NOT NULL DEFAULT 'A',
  `x12_gs03` varchar(15) NULL,
  `x12_submitter_id` smallint(6) NULL,
  `x12_submitter_name` varchar(255) NULL,
  `x12_sftp_login` varchar(255) NULL,
  `x12_sftp_pass` varchar(255) NULL,
  `x12_sftp_host` varchar(255) NULL,
  `x12_sftp_port` varchar(255) NULL,
  `x12_sftp_local_dir` varchar(255) NULL,
  `x12_sftp_remote_dir` varchar(255) NULL,
  `x12_token_endpoint` tinytext NULL,
  `x12_eligibility_endpoint` tinytext NULL,
  `x12_claim_status_endpoint` tinytext NULL,
  `x12_attachment_endpoint` tinytext NULL,
  `x12_client_id` tinytext NULL,
  `x12_client_secret` tinytext NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

