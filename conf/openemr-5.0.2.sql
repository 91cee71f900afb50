-- SPDX-License-Identifier: GPL-3.0-or-later
-- What the database of an OpenEMR 5.0.2 lacks of what signing in and uuids need, as 6.x has it. Run once by whoever administers the database,
-- before Gatehouse serves the site (docs/install.md); OpenEMR 5.0.2 does not read any of it, and its upgrade to 6.x finds it done.

CREATE TABLE IF NOT EXISTS `oauth_clients` (
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
  PRIMARY KEY (`client_id`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

CREATE TABLE IF NOT EXISTS `oauth_trusted_user` (
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

CREATE TABLE IF NOT EXISTS `uuid_registry` (
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

CREATE TABLE IF NOT EXISTS `uuid_mapping` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NOT NULL DEFAULT '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
  `resource` varchar(255) NOT NULL DEFAULT '',
  `table` varchar(255) NOT NULL DEFAULT '',
  `target_uuid` binary(16) NOT NULL DEFAULT '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
  `created` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `resource` (`resource`),
  KEY `table` (`table`),
  KEY `target_uuid` (`target_uuid`),
  KEY `uuid` (`uuid`)
) ENGINE=InnoDB COLLATE=utf8mb4_general_ci;

-- Gatehouse fills these in, a row at a time where it meets one without, and all at its start.
ALTER TABLE `drugs` ADD COLUMN `uuid` binary(16) DEFAULT NULL, ADD UNIQUE KEY `uuid` (`uuid`);
ALTER TABLE `facility` ADD COLUMN `uuid` binary(16) DEFAULT NULL, ADD UNIQUE KEY `uuid` (`uuid`);
ALTER TABLE `form_encounter` ADD COLUMN `uuid` binary(16) DEFAULT NULL, ADD UNIQUE KEY `uuid` (`uuid`);
ALTER TABLE `immunizations` ADD COLUMN `uuid` binary(16) DEFAULT NULL, ADD UNIQUE KEY `uuid` (`uuid`);
ALTER TABLE `insurance_companies` ADD COLUMN `uuid` binary(16) DEFAULT NULL, ADD UNIQUE KEY `uuid` (`uuid`);
ALTER TABLE `insurance_data` ADD COLUMN `uuid` binary(16) DEFAULT NULL, ADD UNIQUE KEY `uuid` (`uuid`);
ALTER TABLE `lists` ADD COLUMN `uuid` binary(16) DEFAULT NULL, ADD UNIQUE KEY `uuid` (`uuid`);
ALTER TABLE `patient_data` ADD COLUMN `uuid` binary(16) DEFAULT NULL, ADD UNIQUE KEY `uuid` (`uuid`);
ALTER TABLE `prescriptions` ADD COLUMN `uuid` binary(16) DEFAULT NULL, ADD UNIQUE KEY `uuid` (`uuid`);
ALTER TABLE `procedure_order` ADD COLUMN `uuid` binary(16) DEFAULT NULL, ADD UNIQUE KEY `uuid` (`uuid`);
ALTER TABLE `procedure_result` ADD COLUMN `uuid` binary(16) DEFAULT NULL, ADD UNIQUE KEY `uuid` (`uuid`);
ALTER TABLE `users` ADD COLUMN `uuid` binary(16) DEFAULT NULL, ADD UNIQUE KEY `uuid` (`uuid`);

-- Every encounter of the API has a class.
ALTER TABLE `form_encounter` ADD COLUMN `class_code` varchar(10) NOT NULL DEFAULT 'AMB';
INSERT INTO `list_options` (`list_id`, `option_id`, `title`, `seq`, `is_default`, `notes`) VALUES
  ('lists', '_ActEncounterCode', 'Value Set ActEncounterCode', 1, 0, ''),
  ('_ActEncounterCode', 'AMB', 'Outpatient', 10, 1, 'ambulatory'),
  ('_ActEncounterCode', 'EMER', 'Emergency Dept', 20, 0, 'emergency'),
  ('_ActEncounterCode', 'FLD', 'Out in Field', 30, 0, 'field'),
  ('_ActEncounterCode', 'HH', 'Home Health', 40, 0, 'home health'),
  ('_ActEncounterCode', 'IMP', 'Inpatient Encounter', 50, 0, 'inpatient encounter'),
  ('_ActEncounterCode', 'ACUTE', 'Inpatient Acute', 60, 0, 'inpatient acute'),
  ('_ActEncounterCode', 'NONAC', 'Inpatient Non-Acute', 70, 0, 'inpatient non-acute'),
  ('_ActEncounterCode', 'OBSENC', 'Observation Encounter', 80, 0, 'observation encounter'),
  ('_ActEncounterCode', 'PRENC', 'Pre-Admission', 90, 0, 'pre-admission'),
  ('_ActEncounterCode', 'SS', 'Short Stay', 100, 0, 'short stay'),
  ('_ActEncounterCode', 'VR', 'Virtual Encounter', 110, 0, 'virtual');

-- A password that changes ends the tokens of its user, and may expire: 6.x keeps the time of the change.
ALTER TABLE `users_secure` ADD COLUMN `last_update_password` datetime DEFAULT NULL;
CREATE TRIGGER `users_secure_password` BEFORE UPDATE ON `users_secure` FOR EACH ROW
  SET NEW.`last_update_password` = IF(NEW.`password` <=> OLD.`password`, OLD.`last_update_password`, NOW());
