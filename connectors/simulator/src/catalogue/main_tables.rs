//! What HubSpot ships on the four main types; the notation is explained in `tables`.

pub(super) const CONTACTS: &str = "\
email|Email|s||
firstname|First Name|s||
lastname|Last Name|s||
phone|Phone Number|sp||
mobilephone|Mobile Phone Number|sp||
fax|Fax Number|s||
jobtitle|Job Title|s||
company|Company Name|s||
website|Website URL|s||
address|Street Address|s||
city|City|s||
state|State/Region|s||
zip|Postal Code|s||
country|Country/Region|s||
salutation|Salutation|s||
date_of_birth|Date of birth|s||
gender|Gender|s||
marital_status|Marital Status|s||
degree|Degree|s||
field_of_study|Field of study|s||
school|School|s||
graduation_date|Graduation date|s||
start_date|Start date|s||
seniority|Seniority|s||
job_function|Job function|s||
industry|Industry|s||
annualrevenue|Annual Revenue|s||
numemployees|Number of Employees|e||1-5,5-25,25-50,50-100,100-500,500-1000,1000+
message|Message|sa||
twitterhandle|Twitter Username|s||
hs_linkedin_url|LinkedIn URL|s||
hs_language|Preferred language|e||en=English,de=German,fr=French,es=Spanish,ja=Japanese,ar=Arabic,pl=Polish
hs_timezone|Time Zone|e||us_slash_eastern=US/Eastern,europe_slash_berlin=Europe/Berlin,asia_slash_tokyo=Asia/Tokyo
lifecyclestage|Lifecycle Stage|er||subscriber=Subscriber,lead=Lead,marketingqualifiedlead=Marketing Qualified Lead,salesqualifiedlead=Sales Qualified Lead,opportunity=Opportunity,customer=Customer,evangelist=Evangelist,other=Other
hs_lead_status|Lead Status|er||NEW=New,OPEN=Open,IN_PROGRESS=In Progress,OPEN_DEAL=Open Deal,UNQUALIFIED=Unqualified,ATTEMPTED_TO_CONTACT=Attempted to Contact,CONNECTED=Connected,BAD_TIMING=Bad Timing
hs_buying_role|Buying Role|em||BUDGET_HOLDER=Budget Holder,CHAMPION=Champion,DECISION_MAKER=Decision Maker,END_USER=End User,INFLUENCER=Influencer,BLOCKER=Blocker
hs_persona|Persona|er||persona_1=IT buyer,persona_2=Operations
hs_legal_basis|Legal basis for processing contact's data|em||Legitimate interest – prospect/lead,Freely given consent from contact,Not applicable
hs_email_optout|Unsubscribed from all email|b||
hs_marketable_status|Marketing contact status|e|r|true=Marketing contact,false=Non-marketing contact
hs_pipeline|Pipeline|e|r|contacts-lifecycle-pipeline=Lifecycle Stage Pipeline
hs_additional_emails|Additional email addresses|em|r|
hs_all_contact_vids|Merged record IDs|em|rh|
hs_calculated_merged_vids|Merged vids with timestamps|em|ch|
hs_calculated_phone_number|Calculated Phone Number|s|c|
hs_searchable_calculated_phone_number|Calculated Phone Number without country code|s|ch|
hs_is_contact|Is a contact|b|ch|
hs_is_unworked|Contact unworked|b|c|
hs_lifecyclestage_lead_date|Date entered Lead|dt|r|
hs_lifecyclestage_customer_date|Date entered Customer|dt|r|
hs_latest_source|Latest Traffic Source|e|r|ORGANIC_SEARCH=Organic Search,DIRECT_TRAFFIC=Direct Traffic,OFFLINE=Offline Sources,REFERRALS=Referrals,EMAIL_MARKETING=Email Marketing
hs_analytics_source|Original Traffic Source|e|r|ORGANIC_SEARCH=Organic Search,DIRECT_TRAFFIC=Direct Traffic,OFFLINE=Offline Sources,REFERRALS=Referrals,EMAIL_MARKETING=Email Marketing
hs_analytics_source_data_1|Original Traffic Source Drill-Down 1|s|r|
hs_analytics_num_page_views|Number of Pageviews|n|r|
hs_analytics_last_visit_timestamp|Time of Last Session|dt|r|
hubspotscore|HubSpot Score|n|c|
num_associated_deals|Number of Associated Deals|n|c|
num_contacted_notes|Number of times contacted|n|r|
num_notes|Number of Sales Activities|n|r|
num_unique_conversion_events|Number of Unique Forms Submitted|n|r|
notes_last_contacted|Last Contacted|dt|r|
notes_last_updated|Last Activity Date|dt|r|
notes_next_activity_date|Next Activity Date|dt|r|
associatedcompanyid|Primary Associated Company ID|n|r|
closedate|Close Date|dt||
days_to_close|Days To Close|n|c|
recent_deal_amount|Recent Deal Amount|n|c|
total_revenue|Total Revenue|n|c|
hs_sequences_is_enrolled|Currently in Sequence|b|c|
hs_content_membership_notes|Membership Notes|sa|x|
hs_time_between_contact_creation_and_deal_creation|Time between contact creation and deal creation|nc|h|";

pub(super) const COMPANIES: &str = "\
name|Company name|s||
domain|Company Domain Name|s||
website|Website URL|s||
phone|Phone Number|sp||
address|Street Address|s||
address2|Street Address 2|s||
city|City|s||
state|State/Region|s||
zip|Postal Code|s||
country|Country/Region|s||
industry|Industry|e||ACCOUNTING=Accounting,COMPUTER_SOFTWARE=Computer Software,CONSTRUCTION=Construction,EDUCATION_MANAGEMENT=Education Management,FINANCIAL_SERVICES=Financial Services,FOOD_BEVERAGES=Food & Beverages,HOSPITAL_HEALTH_CARE=Hospital & Health Care,MACHINERY=Machinery,RETAIL=Retail
type|Type|e||PROSPECT=Prospect,PARTNER=Partner,RESELLER=Reseller,VENDOR=Vendor,OTHER=Other
description|Description|sa||
about_us|About Us|sa||
annualrevenue|Annual Revenue|n||
numberofemployees|Number of Employees|n||
founded_year|Year Founded|s||
is_public|Is Public|b||
timezone|Time Zone|s||
lifecyclestage|Lifecycle Stage|er||subscriber=Subscriber,lead=Lead,marketingqualifiedlead=Marketing Qualified Lead,salesqualifiedlead=Sales Qualified Lead,opportunity=Opportunity,customer=Customer,evangelist=Evangelist,other=Other
hs_lead_status|Lead Status|er||NEW=New,OPEN=Open,IN_PROGRESS=In Progress,OPEN_DEAL=Open Deal,UNQUALIFIED=Unqualified
hs_ideal_customer_profile|Ideal Customer Profile Tier|e||tier_1=Tier 1,tier_2=Tier 2,tier_3=Tier 3
hs_is_target_account|Target Account|b||
hs_parent_company_id|Parent Company|n|r|
hs_num_child_companies|Number of child companies|n|c|
num_associated_contacts|Number of Associated Contacts|n|c|
num_associated_deals|Number of Associated Deals|n|c|
hs_num_open_deals|Number of Open Deals|n|c|
total_revenue|Total Revenue|n|c|
recent_deal_amount|Recent Deal Amount|n|c|
days_to_close|Days to Close|n|c|
closedate|Close Date|dt||
hs_additional_domains|Additional Domains|em|r|
linkedin_company_page|LinkedIn Company Page|s||
twitterhandle|Twitter Handle|s||
web_technologies|Web Technologies|em||shopify=Shopify,wordpress=WordPress,react=React,segment=Segment
hs_pipeline|Pipeline|e|r|companies-lifecycle-pipeline=Lifecycle Stage Pipeline
hs_analytics_source|Original Traffic Source|e|r|ORGANIC_SEARCH=Organic Search,DIRECT_TRAFFIC=Direct Traffic,OFFLINE=Offline Sources
num_contacted_notes|Number of times contacted|n|r|
num_notes|Number of Sales Activities|n|r|
notes_last_contacted|Last Contacted|dt|r|
notes_last_updated|Last Activity Date|dt|r|
hs_tax_id|Tax ID|s|x|";

pub(super) const DEALS: &str = "\
dealname|Deal Name|s||
amount|Amount|n||
deal_currency_code|Currency|e||USD=US Dollar,EUR=Euro,JPY=Japanese Yen
closedate|Close Date|dt||
pipeline|Pipeline|e||default=Sales Pipeline,88104471=Renewals
dealstage|Deal Stage|er||appointmentscheduled=Appointment Scheduled,qualifiedtobuy=Qualified To Buy,presentationscheduled=Presentation Scheduled,decisionmakerboughtin=Decision Maker Bought-In,contractsent=Contract Sent,closedwon=Closed Won,closedlost=Closed Lost,158112061=Up for renewal,158112062=Renewed,158112063=Churned
dealtype|Deal Type|er||newbusiness=New Business,existingbusiness=Existing Business
description|Deal Description|sa||
hs_priority|Priority|e||low=Low,medium=Medium,high=High
hs_next_step|Next step|s||
hs_forecast_amount|Forecast amount|nc||
hs_forecast_probability|Forecast probability|n||
hs_manual_forecast_category|Forecast category|e||OMIT=Not forecasted,PIPELINE=Pipeline,BEST_CASE=Best case,COMMIT=Commit,CLOSED=Closed won
closed_lost_reason|Closed Lost Reason|sa||
closed_won_reason|Closed Won Reason|sa||
amount_in_home_currency|Amount in company currency|nc||
hs_projected_amount|Weighted amount|nc||
hs_deal_stage_probability|Deal probability|n|c|
hs_is_closed|Is Deal Closed?|b|c|
hs_is_closed_won|Is Closed Won|b|c|
hs_closed_amount|Closed Deal Amount|nc||
days_to_close|Days to Close|n|c|
hs_acv|Annual contract value|nc||
hs_arr|Annual recurring revenue|nc||
hs_mrr|Monthly recurring revenue|nc||
hs_tcv|Total contract value|nc||
num_associated_contacts|Number of Associated Contacts|n|c|
num_contacted_notes|Number of times contacted|n|r|
num_notes|Number of Sales Activities|n|r|
notes_last_contacted|Last Contacted|dt|r|
notes_last_updated|Last Activity Date|dt|r|
hs_num_of_associated_line_items|Number of Associated Line Items|n|c|
hs_analytics_source|Original Source Type|e|r|ORGANIC_SEARCH=Organic Search,DIRECT_TRAFFIC=Direct Traffic,OFFLINE=Offline Sources
hs_date_entered_closedwon|Date entered Closed Won|dt|c|
hs_date_entered_closedlost|Date entered Closed Lost|dt|c|
hs_time_in_contractsent|Cumulative time in Contract Sent|n|c|
hs_campaign|HubSpot Campaign|s|r|";

pub(super) const TICKETS: &str = "\
subject|Ticket name|s||
content|Ticket description|sa||
hs_pipeline|Pipeline|e||0=Support Pipeline
hs_pipeline_stage|Ticket status|e||1=New,2=Waiting on contact,3=Waiting on us,4=Closed
hs_ticket_category|Category|em||PRODUCT_ISSUE=Product Issue,BILLING_ISSUE=Billing Issue,FEATURE_REQUEST=Feature Request,GENERAL_INQUIRY=General inquiry
hs_ticket_priority|Priority|e||LOW=Low,MEDIUM=Medium,HIGH=High,URGENT=Urgent
hs_resolution|Resolution|er||ISSUE_FIXED=Issue fixed,DUPLICATE=Duplicate,REFUNDED=Refunded
source_type|Source|e||CHAT=Chat,EMAIL=Email,FORM=Form,PHONE=Phone
closed_date|Close date|dt||
first_agent_reply_date|First response date|dt|c|
last_reply_date|Last reply date|dt|c|
time_to_close|Time to close|n|c|
time_to_first_agent_reply|Time to first response|n|c|
hs_is_closed|Is ticket closed|b|c|
hs_num_times_contacted|Number of times contacted|n|c|
num_notes|Number of Sales Activities|n|r|
notes_last_contacted|Last Contacted|dt|r|
notes_last_updated|Last Activity Date|dt|r|
hs_file_upload|File upload|su||
nps_score|Conversation NPS score|n|r|
hs_last_message_received_at|Last message received|dt|c|
hs_tag_ids|Ticket Tags|em||";
